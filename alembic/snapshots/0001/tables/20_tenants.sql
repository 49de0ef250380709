-- Tenants, the logins bound to them, and the record of those who were erased.

CREATE TABLE attribution.tenants (
    id uuid PRIMARY KEY DEFAULT attribution.uuid_v7(),
    name text NOT NULL CHECK (name = btrim(name) AND octet_length(name) BETWEEN 1 AND 200),
    notification_email text NOT NULL CHECK (notification_email ~ '^[^@\s]+@[^@\s]+$'),
    api_key_hash bytea NOT NULL UNIQUE CHECK (octet_length(api_key_hash) = 32),
    reporting_currency text COLLATE "C" NOT NULL DEFAULT 'USD' REFERENCES attribution.currencies (code),
    time_zone text NOT NULL DEFAULT 'UTC'
        CONSTRAINT tenants_time_zone_known CHECK ((timestamptz 'epoch' AT TIME ZONE time_zone) IS NOT NULL),
    settings jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT tenants_settings_object CHECK (jsonb_typeof(settings) = 'object')
        CONSTRAINT tenants_settings_mode CHECK (coalesce(settings ->> 'mode', 'sync') IN ('sync', 'deferred'))
        CONSTRAINT tenants_settings_max_future CHECK (coalesce((settings ->> 'max_future')::interval, '0') >= '0')
        CONSTRAINT tenants_settings_max_retries CHECK (coalesce((settings ->> 'max_retries')::int, 1) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE attribution.tenants IS 'One row per customer of the engine. Made by create_tenant(), removed with all its rows by erase_tenant() only.';
COMMENT ON COLUMN attribution.tenants.id IS 'Tenant id; the tenant_id of every other table.';
COMMENT ON COLUMN attribution.tenants.name IS 'Name for people; erase_tenant() asks for it as confirmation.';
COMMENT ON COLUMN attribution.tenants.notification_email IS 'Where operators reach the tenant. The engine sends nothing.';
COMMENT ON COLUMN attribution.tenants.api_key_hash IS 'SHA-256 of the API key; the key itself is never stored.';
COMMENT ON COLUMN attribution.tenants.reporting_currency IS 'ISO 4217 currency that people read totals in.';
COMMENT ON COLUMN attribution.tenants.time_zone IS 'IANA zone in which days begin and end in reports.';
COMMENT ON COLUMN attribution.tenants.settings IS 'mode: sync (default, conversions are attributed at INSERT) or deferred; max_future: interval an event may lie ahead (default 1 day); max_retries: failures before a conversion is dead (default 8).';
COMMENT ON COLUMN attribution.tenants.created_at IS 'When the tenant was made.';
COMMENT ON COLUMN attribution.tenants.updated_at IS 'When the row last changed.';

-- Keyed by tenant like every tenant table. bind_login() keeps one row per role; should two ever stand, neither
-- context is permitted (login_permits_context()).
CREATE TABLE attribution.tenant_logins (
    tenant_id uuid NOT NULL REFERENCES attribution.tenants (id) ON DELETE CASCADE,
    role_name name NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, role_name)
);

CREATE INDEX tenant_logins_role ON attribution.tenant_logins (role_name);

COMMENT ON TABLE attribution.tenant_logins IS 'Database logins held to one tenant whatever they SET. Written by bind_login().';
COMMENT ON COLUMN attribution.tenant_logins.tenant_id IS 'The only tenant this login may work for.';
COMMENT ON COLUMN attribution.tenant_logins.role_name IS 'The login''s name, as session_user or SET ROLE shows it.';
COMMENT ON COLUMN attribution.tenant_logins.created_at IS 'When the login was bound.';

CREATE TABLE attribution.tenant_erasures (
    erased_tenant_id uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now(),
    erased_by name NOT NULL DEFAULT session_user
);

COMMENT ON TABLE attribution.tenant_erasures IS 'Who erased which tenant, when. The row is what lets the guards of the append-only tables pass, and it cannot be committed while the tenant still exists.';
COMMENT ON COLUMN attribution.tenant_erasures.erased_tenant_id IS 'Id of the tenant that is gone; no foreign key, for it is gone.';
COMMENT ON COLUMN attribution.tenant_erasures.erased_at IS 'Start of the erasing transaction; guards compare it with now().';
COMMENT ON COLUMN attribution.tenant_erasures.erased_by IS 'Login that erased.';

ALTER TABLE attribution.tenants OWNER TO attribution_owner;
ALTER TABLE attribution.tenant_logins OWNER TO attribution_owner;
ALTER TABLE attribution.tenant_erasures OWNER TO attribution_owner;
GRANT SELECT, INSERT, DELETE ON attribution.tenants, attribution.tenant_logins TO attribution_engine;
GRANT UPDATE (api_key_hash, updated_at) ON attribution.tenants TO attribution_engine;
GRANT SELECT, INSERT ON attribution.tenant_erasures TO attribution_engine;
GRANT SELECT (id, name, reporting_currency, time_zone, settings, created_at, updated_at) ON attribution.tenants
    TO attribution_app, attribution_reader;
GRANT SELECT (id, name, notification_email, reporting_currency, time_zone, settings, created_at, updated_at)
    ON attribution.tenants TO attribution_admin;
GRANT UPDATE (name, notification_email, reporting_currency, time_zone, settings) ON attribution.tenants TO attribution_admin;
GRANT SELECT ON attribution.tenant_logins TO attribution_admin;
