"""`ctl validate-migration`: read a migration, run it on a throwaway server, and say what it would do."""
