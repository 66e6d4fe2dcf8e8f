"""The database role that the application acts under: it can add audit events, and neither change nor remove any."""

import re

from django.db import connection, transaction

ROLE_DEFAULT = "chatbot_app"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

# One statement for all, and nothing is written where it stands already: this runs before every start.
_PROTECT = """
DO $$
DECLARE
    role text := current_setting('chatbot.role');
    here text := current_schema();
    item record;
BEGIN
    IF to_regrole(role) IS NULL THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, role, 'SET') THEN
        EXECUTE format('GRANT %I TO CURRENT_USER', role);
    END IF;
    IF NOT has_schema_privilege(role, here, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', here, role);
    END IF;
    FOR item IN
        SELECT relname, relkind, needed.privileges, privilege,
            has_table_privilege(role, pg_class.oid, privilege) AS has,
            privilege = ANY (needed.privileges) AS needs
        FROM pg_class
        CROSS JOIN LATERAL (SELECT CASE
            WHEN relispartition AND relname ~ '^audit_' OR relname = 'audit_waiting' THEN '{}'::text[]
            WHEN relname IN ('audit_event', 'audit_signedhead', 'audit_checkpoint') THEN '{SELECT,INSERT}'
            WHEN relname IN ('audit_link', 'audit_chain', 'django_migrations') THEN '{SELECT}'
            ELSE '{SELECT,INSERT,UPDATE,DELETE}' END AS privileges) AS needed
        CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS privilege
        WHERE relnamespace = here::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
            AND pg_has_role(current_user, relowner, 'USAGE')
    LOOP
        IF item.needs AND NOT item.has THEN
            EXECUTE format('GRANT %s ON %I.%I TO %I', item.privilege, here, item.relname, role);
        ELSIF item.has AND NOT item.needs THEN
            EXECUTE format('REVOKE %s ON %I.%I FROM %I', item.privilege, here, item.relname, role);
        END IF;
    END LOOP;
    FOR item IN
        SELECT relname FROM pg_class
        WHERE relnamespace = here::regnamespace AND pg_has_role(current_user, relowner, 'USAGE')
            AND CASE WHEN relkind = 'S' THEN NOT has_sequence_privilege(role, oid, 'USAGE') ELSE false END
    LOOP
        EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %I.%I TO %I', here, item.relname, role);
    END LOOP;
    FOR item IN
        SELECT oid::regprocedure AS signature FROM pg_proc
        WHERE pronamespace = here::regnamespace AND proname IN ('audit_partitions_ensure', 'audit_partitions_drop')
            AND NOT has_function_privilege(role, oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', item.signature, role);
    END LOOP;
END
$$
"""


@transaction.atomic
def role_ensure(*, role: str = ROLE_DEFAULT) -> None:
    """Make the role if it is missing, and give it exactly what the application needs. Two queries.

    Run it as the tables' owner after every migration. Raises ValueError for a name that is not plain, ProgrammingError
    where the owner may not make roles.
    """
    if not _NAME.fullmatch(role):
        raise ValueError(f"A role's name is plain and in lower case, not {role!r}.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('chatbot.role', %s, true)", [role])
        cursor.execute(_PROTECT)
