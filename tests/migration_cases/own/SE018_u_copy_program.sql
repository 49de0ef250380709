-- expect: UNSAFE | the server's shell | in tx
SET lock_timeout = '2s';
SET statement_timeout = '30s';
COPY attr.lookup TO PROGRAM 'cat > /dev/null';
