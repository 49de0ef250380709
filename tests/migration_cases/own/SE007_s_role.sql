-- expect: SAFE | a role by name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON attr.ledger TO reporting;
