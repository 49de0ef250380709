-- expect: UNSAFE | it never raises | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE FUNCTION attr.forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF false THEN RAISE EXCEPTION 'append only'; END IF;
  RETURN coalesce(NEW, OLD);
END $$;
