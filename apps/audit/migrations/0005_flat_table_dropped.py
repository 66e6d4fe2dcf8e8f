"""The table from before the chains goes, after its rows have moved."""

from django.db import migrations

FORWARD = """
DROP TABLE audit_event_flat;
DROP FUNCTION audit_event_refuse_change();
"""
REVERSE = """
CREATE TABLE audit_event_flat (
    id uuid NOT NULL CONSTRAINT audit_event_flat_pkey PRIMARY KEY,
    created_at timestamptz NOT NULL,
    workspace_id uuid,
    actor_label varchar(254) NOT NULL,
    action varchar(60) NOT NULL,
    result varchar(10) NOT NULL,
    target_type varchar(60) NOT NULL,
    target_id varchar(60) NOT NULL,
    target_label varchar(200) NOT NULL,
    ip_address inet,
    user_agent varchar(300) NOT NULL,
    request_id varchar(64) NOT NULL,
    data jsonb NOT NULL,
    actor_id uuid REFERENCES accounts_user (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE FUNCTION audit_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.actor_id IS NULL AND to_jsonb(NEW) - 'actor_id' = to_jsonb(OLD) - 'actor_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event_flat
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_chain_rows")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
