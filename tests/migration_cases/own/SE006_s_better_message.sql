-- expect: SAFE | it still refuses | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE FUNCTION attr.forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append only', tg_table_name USING HINT = 'post a correction';
END $$;
