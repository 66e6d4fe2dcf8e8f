from django.db import migrations

# Otherwise a sign-in of before would count as one of just now, and as fresh proof of who it is.
_FILL = """
UPDATE accounts_refreshtoken token SET signed_in_at = family.begun, last_used_at = token.created_at
FROM (SELECT family, min(created_at) AS begun FROM accounts_refreshtoken GROUP BY family) family
WHERE family.family = token.family
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_browser_sessions'),
    ]

    operations = [
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
    ]
