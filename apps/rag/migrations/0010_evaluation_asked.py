from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0009_chunk_near'),
    ]

    operations = [
        migrations.AddField(
            model_name='evaluationresult',
            name='asked_hash',
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
