from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0007_index_switch_wanted'),
    ]

    operations = [
        migrations.AddField(
            model_name='corpusstatistics',
            name='weights_reached',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='corpusstatistics',
            name='weights_target',
            field=models.FloatField(null=True),
        ),
    ]
