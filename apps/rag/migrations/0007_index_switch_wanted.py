import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0006_chunk_embedded_hash'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='indexprofile',
            name='switch_wanted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='indexprofile',
            name='switch_wanted_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='indexprofile',
            name='switch_blocked',
            field=models.TextField(blank=True),
        ),
    ]
