-- expect: UNSAFE | a child table has no policies | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.tp_child () INHERITS (attr.touchpoints);
