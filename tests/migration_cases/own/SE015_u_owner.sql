-- expect: UNSAFE | an owner can switch policies off | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints OWNER TO app_user;
