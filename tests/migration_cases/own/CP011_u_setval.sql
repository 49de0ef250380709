-- expect: UNSAFE | keys collide | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT setval('attr.touchpoints_id_seq', 1);
