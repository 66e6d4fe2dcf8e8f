from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_refresh_tokens_signed_in'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='breakglass',
            options={'verbose_name': 'break-glass access', 'verbose_name_plural': 'break-glass accesses'},
        ),
        migrations.AlterModelOptions(
            name='externalidentity',
            options={'verbose_name_plural': 'external identities'},
        ),
    ]
