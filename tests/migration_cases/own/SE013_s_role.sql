-- expect: SAFE | an ordinary role | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE ROLE batch NOLOGIN NOBYPASSRLS;
GRANT SELECT ON attr.lookup TO batch;
