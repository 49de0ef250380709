-- expect: SAFE | old code gets the default | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ADD COLUMN flag boolean NOT NULL DEFAULT false;
