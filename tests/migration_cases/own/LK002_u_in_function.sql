-- expect: UNSAFE | in a function of the migration | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.tighten() RETURNS void LANGUAGE plpgsql AS $$
BEGIN ALTER TABLE attr.touchpoints ALTER COLUMN n SET NOT NULL; END $$;
SELECT attr.tighten();
