-- expect: SAFE | a function that is only made drops nothing | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.wipe() RETURNS void LANGUAGE plpgsql
SET search_path = attr, pg_temp AS $$ BEGIN DROP TABLE attr.lookup; END $$;
REVOKE ALL ON FUNCTION attr.wipe() FROM PUBLIC;
