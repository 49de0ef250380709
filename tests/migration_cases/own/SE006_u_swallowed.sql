-- expect: UNSAFE | its own handler swallows it | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE FUNCTION attr.forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'append only';
EXCEPTION WHEN OTHERS THEN
  RETURN NEW;
END $$;
