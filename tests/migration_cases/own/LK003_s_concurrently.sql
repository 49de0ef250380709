-- expect: SAFE | others go on | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE INDEX CONCURRENTLY tp_email ON attr.touchpoints (email);
