-- Guard: a row of attribution_rules is removed only with its tenant (RA001).

CREATE OR REPLACE TRIGGER attribution_rules_erased_only
BEFORE DELETE ON attribution.attribution_rules
FOR EACH ROW
EXECUTE FUNCTION attribution.forbid_delete();

ALTER TABLE attribution.attribution_rules ENABLE ALWAYS TRIGGER attribution_rules_erased_only;

COMMENT ON TRIGGER attribution_rules_erased_only ON attribution.attribution_rules IS 'Guard: a row of attribution_rules is removed only with its tenant (RA001).';
