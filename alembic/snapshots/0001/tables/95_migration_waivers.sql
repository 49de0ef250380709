-- Which findings of ctl validate-migration were waived, by whom and why, in the revisions that this database ran.
-- ctl migrate writes a row in the transaction that applies the revision. It concerns no tenant.

CREATE TABLE attribution.migration_waivers (
    revision text NOT NULL,
    rule text NOT NULL,
    object text NOT NULL,
    fingerprint text NOT NULL,
    reason text NOT NULL,
    approver text NOT NULL,
    expires_on date NOT NULL,
    assert_sql text,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by name NOT NULL DEFAULT session_user,
    PRIMARY KEY (revision, rule, object, fingerprint, applied_at),
    CONSTRAINT migration_waivers_explained CHECK (reason <> '' AND approver <> '')
);

COMMENT ON TABLE attribution.migration_waivers IS 'Findings of ctl validate-migration that were waived in the revisions which this database ran: append-only, written by ctl migrate.';
COMMENT ON COLUMN attribution.migration_waivers.revision IS 'The revision that was applied.';
COMMENT ON COLUMN attribution.migration_waivers.rule IS 'The rule that was waived, such as DL001.';
COMMENT ON COLUMN attribution.migration_waivers.object IS 'What the finding was about.';
COMMENT ON COLUMN attribution.migration_waivers.fingerprint IS 'Fingerprint of the statement that the waiver is for; another statement needs another waiver.';
COMMENT ON COLUMN attribution.migration_waivers.reason IS 'Why it may pass.';
COMMENT ON COLUMN attribution.migration_waivers.approver IS 'Who decided that.';
COMMENT ON COLUMN attribution.migration_waivers.expires_on IS 'The last day of the waiver.';
COMMENT ON COLUMN attribution.migration_waivers.assert_sql IS 'The query that was true, under the lock, before the revision ran; null: none was asked.';
COMMENT ON COLUMN attribution.migration_waivers.applied_at IS 'Start of the transaction that applied the revision.';
COMMENT ON COLUMN attribution.migration_waivers.applied_by IS 'Login that applied it.';

ALTER TABLE attribution.migration_waivers OWNER TO attribution_owner;
GRANT SELECT ON attribution.migration_waivers TO attribution_admin;
