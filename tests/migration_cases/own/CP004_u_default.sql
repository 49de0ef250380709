-- expect: UNSAFE | a new label as default in the same transaction | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TYPE attr.status ADD VALUE 'paused';
ALTER TABLE attr.touchpoints ALTER COLUMN st SET DEFAULT 'paused';
