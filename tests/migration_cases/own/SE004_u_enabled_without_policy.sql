-- expect: UNSAFE | nobody sees a row | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ENABLE ROW LEVEL SECURITY;
