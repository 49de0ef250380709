-- expect: UNSAFE | MERGE deletes | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
MERGE INTO attr.lookup AS l USING attr.tenants AS t ON l.k = 'k' || t.id
WHEN MATCHED THEN DELETE;
