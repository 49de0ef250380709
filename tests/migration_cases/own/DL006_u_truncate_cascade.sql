-- expect: UNSAFE | and whatever refers to it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
TRUNCATE attr.tenants CASCADE;
