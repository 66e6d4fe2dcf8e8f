from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0003_knowledge_gaps'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='use_documents',
            field=models.BooleanField(default=True),
        ),
    ]
