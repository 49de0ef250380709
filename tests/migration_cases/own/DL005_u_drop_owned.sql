-- expect: UNSAFE | whatever the role owns | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE ROLE leaver;
ALTER TABLE attr.lookup OWNER TO leaver;
DROP OWNED BY leaver;
