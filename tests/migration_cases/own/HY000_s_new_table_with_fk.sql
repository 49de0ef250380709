-- expect: SAFE | a new table that refers to an old one | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.notes (id bigint PRIMARY KEY, k text NOT NULL REFERENCES attr.lookup (k));
