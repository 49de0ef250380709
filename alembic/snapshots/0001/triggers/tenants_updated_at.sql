-- Keeps updated_at true.

CREATE OR REPLACE TRIGGER tenants_updated_at
BEFORE UPDATE ON attribution.tenants
FOR EACH ROW
EXECUTE FUNCTION attribution.set_updated_at();

ALTER TABLE attribution.tenants ENABLE ALWAYS TRIGGER tenants_updated_at;

COMMENT ON TRIGGER tenants_updated_at ON attribution.tenants IS 'Keeps updated_at true.';
