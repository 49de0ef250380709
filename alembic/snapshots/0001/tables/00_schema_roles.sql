-- Schema and roles.
--
-- Roles are cluster-wide: they are created once, survive a downgrade (another database of the cluster may use
-- them) and are never altered by a later run. Run by a superuser, or by a role with CREATEROLE, which is then
-- made a member of the two owning roles so that it can hand objects over to them.

DO $$
BEGIN
    IF current_setting('server_version_num')::int < 150000 THEN
        RAISE EXCEPTION 'pg-attribution needs PostgreSQL 15 or newer, this is %', current_setting('server_version')
            USING ERRCODE = 'feature_not_supported', HINT = 'Upgrade the server, then run ctl migrate again.';
    END IF;
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'pg-attribution needs a UTF8 database, this one is %', current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                HINT = 'CREATE DATABASE … ENCODING ''UTF8'' TEMPLATE template0, then run ctl migrate there.';
    END IF;
END
$$;

DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[
        'attribution_owner', 'attribution_engine', 'attribution_app', 'attribution_reader', 'attribution_admin'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration was faster
            END;
        END IF;
        IF v_role IN ('attribution_owner', 'attribution_engine')
            AND NOT pg_has_role(current_user, v_role, 'USAGE') THEN -- superusers have it
            EXECUTE format('GRANT %I TO CURRENT_USER', v_role);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS attribution;

COMMENT ON SCHEMA attribution IS 'pg-attribution: events in, exact and explainable revenue credit out.';

REVOKE ALL ON SCHEMA attribution FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA attribution TO attribution_owner, attribution_engine;
GRANT USAGE ON SCHEMA attribution TO attribution_app, attribution_reader, attribution_admin;
