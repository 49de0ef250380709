-- expect: SAFE | a batch in its own transaction | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE attr.touchpoints SET channel = upper(channel) WHERE id BETWEEN 1 AND 500;
