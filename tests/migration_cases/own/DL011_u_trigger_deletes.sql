-- expect: UNSAFE | a trigger of a new table deletes the rows of an old one | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE FUNCTION attr.g() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM attr.lookup;
  RETURN NEW;
END $$;
CREATE TABLE attr.tt (i int);
CREATE TRIGGER t AFTER INSERT ON attr.tt FOR EACH ROW EXECUTE FUNCTION attr.g();
INSERT INTO attr.tt VALUES (1);
