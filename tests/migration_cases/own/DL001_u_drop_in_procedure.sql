-- expect: UNSAFE | a procedure of the migration, called | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE PROCEDURE attr.tidy() LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'DROP TABLE ' || quote_ident('attr') || '.' || quote_ident('lookup');
END $$;
CALL attr.tidy();
