-- epoch_microseconds(p_at): microseconds since 1970, the form in which times are hashed.
--
-- Through UTC, since that is immutable and what is immutable is inlined.

CREATE OR REPLACE FUNCTION attribution.epoch_microseconds(p_at timestamptz)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (extract(epoch FROM p_at AT TIME ZONE 'UTC') * 1000000)::bigint;

ALTER FUNCTION attribution.epoch_microseconds(timestamptz) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.epoch_microseconds(timestamptz) IS
'A time as microseconds since 1970-01-01 00:00 UTC.';

REVOKE ALL ON FUNCTION attribution.epoch_microseconds(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.epoch_microseconds(timestamptz)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
