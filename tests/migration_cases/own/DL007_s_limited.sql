-- expect: SAFE | a limited set | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.touchpoints WHERE id IN (SELECT id FROM attr.touchpoints WHERE n = 5 ORDER BY id LIMIT 100);
