-- expect: SAFE | batches, each committed | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
DO $$
DECLARE
  v_from bigint := 0;
BEGIN
  LOOP
    UPDATE attr.touchpoints SET channel = upper(channel) WHERE id > v_from AND id <= v_from + 500;
    EXIT WHEN NOT FOUND;
    COMMIT;
    v_from := v_from + 500;
  END LOOP;
END $$;
