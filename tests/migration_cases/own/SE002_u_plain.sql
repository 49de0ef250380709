-- expect: UNSAFE | a tenant table like any other | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.paths (id bigint PRIMARY KEY, tenant_id bigint NOT NULL);
