-- Guard: a rule version is valid when it becomes active (RA003) and immutable but for its status (RA001).

CREATE OR REPLACE TRIGGER attribution_rules_immutable
BEFORE INSERT OR UPDATE ON attribution.attribution_rules
FOR EACH ROW
EXECUTE FUNCTION attribution.guard_rule();

ALTER TABLE attribution.attribution_rules ENABLE ALWAYS TRIGGER attribution_rules_immutable;

COMMENT ON TRIGGER attribution_rules_immutable ON attribution.attribution_rules IS 'Guard: a rule version is valid when it becomes active (RA003) and immutable but for its status (RA001).';
