-- expect: SAFE | a few rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ADD COLUMN note text;
INSERT INTO attr.lookup (k, v, note) VALUES ('new', 'v', 'n') ON CONFLICT (k) DO NOTHING;
