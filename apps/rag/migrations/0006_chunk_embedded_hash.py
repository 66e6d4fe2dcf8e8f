"""Vectors are looked up by the text they were made of."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('rag', '0005_profile_jobs'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='chunk',
            index=models.Index(condition=models.Q(('embedded_hash__isnull', False)), fields=['embedded_hash'], name='chunk_embedded_hash'),
        ),
    ]
