-- expect: SAFE | a batch that waits for nobody | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
UPDATE attr.touchpoints SET channel = upper(channel)
WHERE id = ANY (ARRAY(SELECT id FROM attr.touchpoints WHERE n > 5 ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED));
