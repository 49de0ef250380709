-- uuid_v7(): a time-ordered UUID (RFC 9562, version 7; the 12 bits after the version are the fraction of the
-- millisecond, the RFC's method 3).
--
-- PostgreSQL 18 has its own, which the tables use there; this one serves 15 to 17.
-- One expression, so that it is inlined: 48 bits of milliseconds and 12 of fraction are 15 hexadecimal digits, the
-- version is put before the last three, and the rest comes from a random UUID, whose variant bits are right.

CREATE OR REPLACE FUNCTION attribution.uuid_v7()
RETURNS uuid
LANGUAGE sql
VOLATILE
PARALLEL SAFE
AS $$
    SELECT (
        overlay(
            lpad(to_hex((date_part('epoch', clock_timestamp()) * 4096000)::bigint), 15, '0') PLACING '7' FROM 13 FOR 0
        ) || substr(gen_random_uuid()::text, 20)
    )::uuid
$$;

ALTER FUNCTION attribution.uuid_v7() OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.uuid_v7() IS 'A time-ordered UUID, version 7, to a quarter of a microsecond.';

REVOKE ALL ON FUNCTION attribution.uuid_v7() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.uuid_v7()
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
