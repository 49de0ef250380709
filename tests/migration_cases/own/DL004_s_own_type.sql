-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TYPE attr.mood AS ENUM ('good', 'bad');
DROP TYPE attr.mood;
