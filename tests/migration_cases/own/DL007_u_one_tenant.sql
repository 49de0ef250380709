-- expect: UNSAFE | all rows of a tenant | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DELETE FROM attr.touchpoints WHERE tenant_id = 1;
