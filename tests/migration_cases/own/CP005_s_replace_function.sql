-- expect: SAFE | the same function, another body | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE OR REPLACE FUNCTION attr.imm() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 2 $$;
