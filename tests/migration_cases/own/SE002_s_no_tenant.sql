-- expect: SAFE | nobody's rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.countries (code text PRIMARY KEY, name text NOT NULL);
