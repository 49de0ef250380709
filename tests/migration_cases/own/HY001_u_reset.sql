-- expect: UNSAFE | server-wide | no tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER SYSTEM RESET ALL;
