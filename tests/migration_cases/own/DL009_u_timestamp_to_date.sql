-- expect: UNSAFE | the time of day is lost | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.touchpoints ALTER COLUMN ts TYPE date USING ts::date;
