-- new_api_key(): a fresh API key.
--
-- Returns  'pga_' and 60 hexadecimal digits, 240 of whose bits come from the server's strong random source.

CREATE OR REPLACE FUNCTION attribution.new_api_key()
RETURNS text
LANGUAGE sql
VOLATILE
RETURN 'pga_' || left(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), 60);

ALTER FUNCTION attribution.new_api_key() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.new_api_key() IS 'A fresh API key: pga_ and 60 hexadecimal digits.';

REVOKE ALL ON FUNCTION attribution.new_api_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.new_api_key() TO attribution_engine;
