-- expect: UNSAFE | old code reads the old name | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER VIEW attr.v_channels RENAME COLUMN c TO count;
