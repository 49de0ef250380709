-- place_cents(…): what largest remainder gives one touch of a journey whose first touch, last touch and those between weigh alike.
--
-- p_value                    minor units
-- p_position, p_touches      the touch's place
-- p_first, p_middle, p_last  whole weights of the first touch, of each between, of the last (0 where there is none)
-- p_total                    their sum over the journey; p_value * p_total fits a bigint
-- Returns                    minor units
--
-- What journey_credits() finds by sorting fractions: with three of them at most, a touch counts the touches that go before it, and gets
-- a cent when they are fewer than the cents left over.

CREATE OR REPLACE FUNCTION attribution.place_cents(
    p_value bigint,
    p_position bigint,
    p_touches bigint,
    p_first bigint,
    p_middle bigint,
    p_last bigint,
    p_total bigint
)
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_value * CASE WHEN p_position = 1 THEN p_first WHEN p_position = p_touches THEN p_last ELSE p_middle END / p_total
    + CASE
        WHEN CASE
                WHEN p_position = 1 THEN CASE WHEN p_value * p_last % p_total > p_value * p_first % p_total THEN 1 ELSE 0 END
                    + CASE WHEN p_value * p_middle % p_total > p_value * p_first % p_total THEN p_touches - 2 ELSE 0 END
                WHEN p_position = p_touches THEN CASE WHEN p_value * p_first % p_total >= p_value * p_last % p_total THEN 1 ELSE 0 END
                    + CASE WHEN p_value * p_middle % p_total >= p_value * p_last % p_total THEN p_touches - 2 ELSE 0 END
                ELSE p_position - 2
                    + CASE WHEN p_value * p_first % p_total >= p_value * p_middle % p_total THEN 1 ELSE 0 END
                    + CASE WHEN p_value * p_last % p_total > p_value * p_middle % p_total THEN 1 ELSE 0 END
            END
            < p_value - p_value * p_first / p_total - p_value * p_last / p_total - (p_touches - 2) * (p_value * p_middle / p_total)
            THEN 1
        ELSE 0
    END;

ALTER FUNCTION attribution.place_cents(bigint, bigint, bigint, bigint, bigint, bigint, bigint) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.place_cents(bigint, bigint, bigint, bigint, bigint, bigint, bigint) IS
'What largest remainder gives one touch where the first touch, the last and those between have a weight each.';

REVOKE ALL ON FUNCTION attribution.place_cents(bigint, bigint, bigint, bigint, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.place_cents(bigint, bigint, bigint, bigint, bigint, bigint, bigint)
TO attribution_engine, attribution_app, attribution_reader, attribution_admin;
