from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_scim_attributes'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='super_admin_managed_by',
            field=models.CharField(blank=True, default='', editable=False, max_length=10),
            preserve_default=False,
        ),
    ]
