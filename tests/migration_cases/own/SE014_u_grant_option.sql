-- expect: UNSAFE | who may pass it on | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
GRANT SELECT ON attr.touchpoints TO reporting WITH GRANT OPTION;
