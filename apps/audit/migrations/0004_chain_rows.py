"""Existing events into the partitioned table, in the order in which they happened; the commit links them."""

import json

from django.db import migrations

COLUMNS = (
    "id", "created_at", "workspace_id", "actor_id", "actor_label", "action", "result", "target_type", "target_id",
    "target_label", "ip_address", "user_agent", "request_id", "data",
)
FORWARD = f"SELECT {', '.join(COLUMNS)} FROM audit_event_flat ORDER BY created_at, id"
# The flat table's actors are foreign keys; those of deleted people become empty.
REVERSE = f"""
INSERT INTO audit_event_flat ({', '.join(COLUMNS)})
SELECT {', '.join(COLUMNS).replace('actor_id', '(SELECT person.id FROM accounts_user AS person WHERE person.id = actor_id)')}
FROM audit_event
"""
BATCH = 1000


def rows_forward(apps, schema_editor):
    event = apps.get_model("audit", "Event")
    with schema_editor.connection.chunked_cursor() as cursor:
        cursor.execute(FORWARD)
        while rows := cursor.fetchmany(BATCH):
            event.objects.bulk_create([_event(event, row) for row in rows])


def _event(event, row):
    values = dict(zip(COLUMNS, row))
    return event(**values | {"data": json.loads(values["data"])})


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_chain_tables")]

    operations = [
        migrations.RunPython(rows_forward, migrations.RunPython.noop),
        migrations.RunSQL(migrations.RunSQL.noop, REVERSE),
    ]
