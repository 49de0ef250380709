-- paths_of(p_tenant, p_event_ids): the way that the journey of each conversion goes under its book rule.
--
-- p_event_ids conversions
-- Returns     one row for each that a book rule applies to: channels in order, number of touches, days from the first touch
--             to the conversion (null without touches)
-- Reads       see journeys()

CREATE OR REPLACE FUNCTION attribution.paths_of(p_tenant uuid, p_event_ids uuid[])
RETURNS TABLE (
    event_id uuid,
    path text,
    currency text,
    value_cents bigint,
    touches int,
    days double precision
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        j.event_id, coalesce(string_agg(j.channel_code, ' > ' ORDER BY j."position"), 'unattributed'), j.currency, j.value_cents,
        max(j.touches), (extract(epoch FROM max(j.age)) / 86400)::double precision
    FROM attribution.journeys(p_tenant, p_event_ids) AS j
    WHERE j.is_book
    GROUP BY j.event_id, j.currency, j.value_cents
$$;

ALTER FUNCTION attribution.paths_of(uuid, uuid[]) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.paths_of(uuid, uuid[]) IS
'The channels, touches and days of the journey of each given conversion under its book rule.';

REVOKE ALL ON FUNCTION attribution.paths_of(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.paths_of(uuid, uuid[])
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
