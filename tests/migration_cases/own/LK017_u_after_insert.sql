-- expect: UNSAFE | runs on each write from then on | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER tp_log AFTER INSERT ON attr.touchpoints FOR EACH ROW EXECUTE FUNCTION attr.log_it();
