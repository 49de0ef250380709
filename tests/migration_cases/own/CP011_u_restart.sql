-- expect: UNSAFE | keys collide | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER SEQUENCE attr.touchpoints_id_seq RESTART WITH 1;
