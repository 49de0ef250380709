-- expect: SAFE | made here | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE attr.scratch (id int);
CREATE FUNCTION attr.log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER log_it AFTER INSERT ON attr.scratch FOR EACH ROW EXECUTE FUNCTION attr.log_it();
