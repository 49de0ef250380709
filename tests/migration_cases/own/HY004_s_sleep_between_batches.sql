-- expect: SAFE | no lock is held meanwhile | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
BEGIN
  FOR i IN 1..2 LOOP
    UPDATE attr.touchpoints SET channel = upper(channel) WHERE id BETWEEN i * 10 AND i * 10 + 9;
    COMMIT;
    PERFORM pg_sleep(0.01);
  END LOOP;
END $$;
