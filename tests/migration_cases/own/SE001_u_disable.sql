-- expect: UNSAFE | every tenant sees all | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints DISABLE ROW LEVEL SECURITY;
