-- expect: UNSAFE | a table without isolation, given to a role | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON attr.events TO reporting;
