-- expect: UNSAFE | nobody sees a row | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE attr.events FORCE ROW LEVEL SECURITY;
