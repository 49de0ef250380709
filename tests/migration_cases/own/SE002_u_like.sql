-- expect: UNSAFE | LIKE does not copy policies | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.copies (LIKE attr.touchpoints INCLUDING ALL);
