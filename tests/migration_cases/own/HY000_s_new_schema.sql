-- expect: SAFE | a schema of its own | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE SCHEMA extra;
CREATE TABLE extra.things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE);
INSERT INTO extra.things (name) SELECT k FROM attr.lookup;
CREATE INDEX ON extra.things (name);
