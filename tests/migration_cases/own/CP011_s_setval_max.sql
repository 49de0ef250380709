-- expect: SAFE | beyond what is there | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
SELECT setval('attr.touchpoints_id_seq', (SELECT max(id) FROM attr.touchpoints));
