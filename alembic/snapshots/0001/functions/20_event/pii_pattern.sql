-- pii_pattern(p_kind): the regular expression that finds one kind of personal data in text.
--
-- p_kind   e-mail address, phone number, IP address, card number, key (in the text of a jsonb); or what each must have, by
--          which most texts are told at once to hold none: number (phone number, IP address, card number), reversed key
--          (key, in the text reversed: from the end, keys part at their first letters, and a small automaton is a fast one)
-- Returns  an ARE for lower-case text, or ~*. Its first group is what stands before and is no part of it; what a card pattern
--          finds still has to pass card_number_valid()
--
-- Each pattern says where it must not start or end, so that user agents (Chrome/119.0.0.0), UUIDs, time stamps and plain
-- numeric ids pass: a phone number needs a + or its punctuation, and a card number a known issuer's range. No look-behind:
-- it costs ten times as much. What a new pattern finds, number and reversed key must find, too: test_pii.py says whether.

CREATE OR REPLACE FUNCTION attribution.pii_pattern(p_kind text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE p_kind
    WHEN 'e-mail address' THEN
        '()[[:alnum:]._%+-]*[[:alnum:]_%+-]@(?![0-9]x\.)[[:alnum:]-]+(\.[[:alnum:]-]+)*\.[a-z][a-z]+'
    WHEN 'phone number' THEN
        '(^|[^[:alnum:].+/_-])(\+[1-9]([ ().-]{0,2}[0-9]){7,14}|\([2-9][0-9]{2}\) ?[0-9]{3}[ .-][0-9]{4}'
        '|[2-9][0-9]{2}[ .-][0-9]{3}[ .-][0-9]{4})(?![[:alnum:]-])'
    WHEN 'IP address' THEN
        '(^|[^[:alnum:]._:/-]|//)(((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
        '(?![[:alnum:]_-]|\.[0-9])'
        '|(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|([0-9a-f]{1,4}:){1,6}(:[0-9a-f]{1,4}){1,6})(?![[:alnum:]:]))'
    WHEN 'card number' THEN
        '(^|[^[:alnum:].-])(4([ -]?[0-9]){12}(([ -]?[0-9]){3})?|(5[1-5]|2[2-7]|35|6[045])([ -]?[0-9]){14}'
        '|3[47]([ -]?[0-9]){13}|3[068]([ -]?[0-9]){12})(?![[:alnum:]]|[.-][[:alnum:]])'
    WHEN 'key' THEN
        '"(([^"]*[a-z0-9_. -])?('
        'e[_-]?mail([_. -]?addr(ess)?)?|phone([_. -]?(number|no))?|telephone|mobile[_. -]?(phone|number|no)|msisdn'
        '|(first|last|full|given|family|middle|maiden|sur|customer|contact|billing|shipping|recipient|cardholder)[_. -]?name'
        '|street([_. -]?(address|name))?|address([_. -]?line)?[_. -]?[0-9]?|(postal|post|zip)[_. -]?code'
        '|card[_. -]?(number|no)|credit[_. -]?card|(remote|client|user|visitor)[_. -]?ip|ip[_. -]?addr(ess)?'
        '|date[_. -]?of[_. -]?birth|birth[_. -]?(date|day)|passport([_. -]?(number|no))?'
        '|social[_. -]?security([_. -]?(number|no))?|national[_. -]?id)'
        '|([^"]*[_. -])?(ip|ipv4|ipv6|tel|fax|mobile|zip|pan|cvv|cvc|iban|ssn|dob))": '
    WHEN 'number' THEN
        '\+[1-9]|[0-9]{3}[ .-][0-9]{4}|[2-6]([ -]?[0-9]){12}|\.[0-9]+\.[0-9]+\.[0-9]|::|:[0-9a-f]+:[0-9a-f]+:'
    WHEN 'reversed key' THEN
        ' :"(l(ia|et)|e(no|li|ma|do|ta|ni)|n(ds|ap|ab|ss)|t(ee|ro)|r(dd|eb)|sse|d(ra|i)|on|pi|htr|y(ad|ti)|xaf|[cv]vc|bod|[0-9_. -])'
END;

ALTER FUNCTION attribution.pii_pattern(text) OWNER TO attribution_owner;

COMMENT ON FUNCTION attribution.pii_pattern(text) IS
'Regular expression for one kind of personal data (e-mail address, phone number, IP address, card number, key), or for what each must have (number, reversed key); null for others.';

REVOKE ALL ON FUNCTION attribution.pii_pattern(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attribution.pii_pattern(text) TO attribution_engine, attribution_admin;
