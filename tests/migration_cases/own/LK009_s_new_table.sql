-- expect: SAFE | nothing to wait for | in tx
CREATE TABLE attr.scratch (id int);
