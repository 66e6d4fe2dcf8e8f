from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0004_evaluation_attempts'),
        ('rag', '0004_languages'),
    ]

    operations = [
        migrations.AddField(
            model_name='indexedversion',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='indexedversion',
            name='embedded_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='indexedversion',
            name='is_withheld',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='indexprofile',
            name='enqueued_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='indexprofile',
            name='lease_expires_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='indexprofile',
            name='lease_token',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='indexprofile',
            name='paced_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='indexprofile',
            name='provider',
            field=models.CharField(choices=[('onnx', 'ONNX Runtime'), ('sentence_transformers', 'sentence-transformers'), ('embedded', 'embedded model server'), ('ollama', 'Ollama'), ('openai', 'OpenAI-compatible'), ('openrouter', 'OpenRouter'), ('gemini', 'Gemini')], default='onnx', max_length=30),
        ),
        migrations.AlterField(
            model_name='indexprofile',
            name='state',
            field=models.CharField(choices=[('building', 'Building'), ('paused', 'Paused'), ('ready', 'Ready'), ('live', 'Live'), ('retired', 'Retired'), ('failed', 'Failed'), ('dropping', 'Dropping')], default='building', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='indexprofile',
            constraint=models.UniqueConstraint(condition=models.Q(('name', ''), _negated=True), fields=('name',), name='index_profile_name_once'),
        ),
    ]
