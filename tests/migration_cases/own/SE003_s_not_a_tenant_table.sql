-- expect: SAFE | nobody's rows | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE attr.lookup ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON attr.lookup USING (true);
