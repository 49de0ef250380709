-- expect: UNSAFE | PUBLIC on tenants' rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON attr.touchpoints TO PUBLIC;
