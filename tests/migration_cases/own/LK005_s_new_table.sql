-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id int, code text UNIQUE);
ALTER TABLE attr.scratch ADD PRIMARY KEY (id);
