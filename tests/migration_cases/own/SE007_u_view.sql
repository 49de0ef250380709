-- expect: UNSAFE | PUBLIC on what reads tenants' rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON attr.v_channels TO PUBLIC;
