-- expect: UNSAFE | PostgreSQL refuses it | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
BEGIN;
CREATE INDEX CONCURRENTLY tp_email ON attr.touchpoints (email);
COMMIT;
