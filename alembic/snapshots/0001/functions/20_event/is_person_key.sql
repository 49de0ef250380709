-- is_person_key(p_key): does an object under this key describe a person, so that its "name" is personal data?

CREATE OR REPLACE FUNCTION attribution.is_person_key(p_key text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_key COLLATE "C" ~*
    '(^|[_. -])((customer|user|contact|person|lead|recipient|buyer|attendee|visitor|patient|member)s?|people|billing|shipping)$';

ALTER FUNCTION attribution.is_person_key(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.is_person_key(text) IS 'True when an object under this JSON key describes a person.';

REVOKE ALL ON FUNCTION attribution.is_person_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.is_person_key(text) TO attribution_engine, attribution_admin;
