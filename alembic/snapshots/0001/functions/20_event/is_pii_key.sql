-- is_pii_key(p_key): does this JSON key name personal data?
--
-- Returns  true for e-mail, phone, IP, card, personal name, address, birth date and national id keys, in snake_case,
--          kebab-case or camelCase, with or without a prefix (billing_address, customerEmail). A bare "name" is not one:
--          campaigns have names too; find_pii() judges it by where it stands.

CREATE OR REPLACE FUNCTION attribution.is_pii_key(p_key text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN p_key COLLATE "C" ~* (
    '(^|[a-z0-9]|[_. -])('
    'e[_-]?mail([_. -]?addr(ess)?)?|phone([_. -]?(number|no))?|telephone|mobile[_. -]?(phone|number|no)|msisdn'
    '|(first|last|full|given|family|middle|maiden|sur|customer|contact|billing|shipping|recipient|cardholder)[_. -]?name'
    '|street([_. -]?(address|name))?|address([_. -]?line)?[_. -]?[0-9]?|(postal|post|zip)[_. -]?code'
    '|card[_. -]?(number|no)|credit[_. -]?card|(remote|client|user|visitor)[_. -]?ip|ip[_. -]?addr(ess)?'
    '|date[_. -]?of[_. -]?birth|birth[_. -]?(date|day)|passport([_. -]?(number|no))?'
    '|social[_. -]?security([_. -]?(number|no))?|national[_. -]?id)$'
    '|(^|[_. -])(ip|ipv4|ipv6|tel|fax|mobile|zip|pan|cvv|cvc|iban|ssn|dob)$'
);

ALTER FUNCTION attribution.is_pii_key(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.is_pii_key(text) IS
'True when a JSON key names personal data: e-mail, phone, IP, card number, name, address, birth date, national id.';

REVOKE ALL ON FUNCTION attribution.is_pii_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.is_pii_key(text) TO attribution_engine, attribution_admin;
