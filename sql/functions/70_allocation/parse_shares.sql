-- parse_shares(p_shares): the shares of an override, checked and in the form in which they are kept.
--
-- p_shares  {"email": 60, "direct": 40}, or [{"channel": "email", "percent": 60, "campaign_id": …, "partner_id": …}, …];
--           percents that sum to 100, or fractions that sum to 1
-- Returns   array of {channel, percent, campaign_id, partner_id}, in the order given (an object's: by channel)
-- Errors    RA005 they do not sum to 100%, or are not shares; RA004 unknown channel
-- Reads     channel_taxonomy

CREATE OR REPLACE FUNCTION attribution.parse_shares(p_shares jsonb)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_form constant text := 'Give an object such as {"email": 60, "direct": 40}, or an array of {"channel": "email", "percent": 60}.';
    v_shares jsonb;
    v_total numeric;
    v_unknown text;
BEGIN
    IF jsonb_typeof(p_shares) = 'object' THEN
        SELECT jsonb_agg(jsonb_build_object('channel', s.key, 'percent', s.value) ORDER BY s.key) INTO v_shares
        FROM jsonb_each(p_shares) AS s;
    ELSIF jsonb_typeof(p_shares) = 'array' THEN
        v_shares := p_shares;
    END IF;
    IF coalesce(jsonb_array_length(v_shares), 0) NOT BETWEEN 1 AND 1000 OR EXISTS (
        SELECT
        FROM jsonb_array_elements(v_shares) AS s (share)
        WHERE jsonb_typeof(s.share) <> 'object' OR NOT coalesce(
            jsonb_typeof(s.share -> 'channel') = 'string' AND jsonb_typeof(s.share -> 'percent') = 'number'
            AND coalesce(jsonb_typeof(s.share -> 'campaign_id'), 'null') IN ('string', 'null')
            AND coalesce(jsonb_typeof(s.share -> 'partner_id'), 'null') IN ('string', 'null')
            AND s.share - ARRAY['channel', 'percent', 'campaign_id', 'partner_id'] = '{}', false)
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA005', MESSAGE = 'these are not shares', DETAIL = left(coalesce(p_shares::text, 'null'), 200), HINT = v_form;
    END IF;

    SELECT sum((s.share ->> 'percent')::numeric) INTO v_total FROM jsonb_array_elements(v_shares) AS s (share);
    IF v_total NOT IN (1, 100) OR EXISTS (
        SELECT FROM jsonb_array_elements(v_shares) AS s (share)
        WHERE (s.share ->> 'percent')::numeric <= 0 OR scale(trim_scale((s.share ->> 'percent')::numeric)) > 10
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA005',
            MESSAGE = 'the shares do not sum to 100%',
            DETAIL = format('They sum to %s; each must be above 0 and have at most 10 decimals.', v_total),
            HINT = 'Give percents that sum to exactly 100, or fractions that sum to exactly 1. ' || v_form;
    END IF;

    SELECT string_agg(s.share ->> 'channel', ', ') INTO v_unknown
    FROM jsonb_array_elements(v_shares) AS s (share)
    WHERE NOT EXISTS (SELECT FROM attribution.channel_taxonomy AS c WHERE c.code = s.share ->> 'channel');
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'RA004',
            MESSAGE = format('unknown channel: %s', left(v_unknown, 200)),
            DETAIL = 'Credit goes to codes of the taxonomy alone.',
            HINT = 'SELECT code FROM attribution.channel_taxonomy, or ctl channels list.';
    END IF;

    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
            'channel', s.share -> 'channel',
            'percent', trim_scale((s.share ->> 'percent')::numeric * CASE v_total WHEN 1 THEN 100 ELSE 1 END),
            'campaign_id', nullif(s.share ->> 'campaign_id', ''), 'partner_id', nullif(s.share ->> 'partner_id', '')
        ) ORDER BY s.place)
        FROM jsonb_array_elements(v_shares) WITH ORDINALITY AS s (share, place)
    );
END
$$;

ALTER FUNCTION attribution.parse_shares(jsonb) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.parse_shares(jsonb) IS
'The shares of an override, checked, as an array of {channel, percent, campaign_id, partner_id}. Errors: RA005 not 100%, RA004 unknown channel.';

REVOKE ALL ON FUNCTION attribution.parse_shares(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.parse_shares(jsonb) TO attribution_engine, attribution_admin;
