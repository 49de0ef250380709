-- expect: UNSAFE | writes are swallowed | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE RULE no_delete AS ON DELETE TO attr.lookup DO INSTEAD NOTHING;
