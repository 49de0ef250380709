-- expect: UNSAFE | it only tells | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE FUNCTION attr.forbid_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE 'append only';
  RETURN NULL;
END $$;
