-- expect: SAFE | a new label | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TYPE attr.status ADD VALUE IF NOT EXISTS 'paused' AFTER 'new';
