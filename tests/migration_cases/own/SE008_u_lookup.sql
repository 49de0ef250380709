-- expect: UNSAFE | PUBLIC | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON attr.lookup TO PUBLIC;
