from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0003_profiles_and_evaluation'),
    ]

    operations = [
        migrations.AddField(
            model_name='evaluationrun',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
