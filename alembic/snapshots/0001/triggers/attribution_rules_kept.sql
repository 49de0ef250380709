-- Guard: no statement removes rows of attribution_rules (RA001), but for the erasure of a tenant.

CREATE OR REPLACE TRIGGER attribution_rules_kept
BEFORE DELETE OR TRUNCATE ON attribution.attribution_rules
FOR EACH STATEMENT
EXECUTE FUNCTION attribution.forbid_mutation();

ALTER TABLE attribution.attribution_rules ENABLE ALWAYS TRIGGER attribution_rules_kept;

COMMENT ON TRIGGER attribution_rules_kept ON attribution.attribution_rules IS 'Guard: no statement removes rows of attribution_rules (RA001), but for the erasure of a tenant.';
