import pytest


@pytest.fixture
def admin_site_client(client, db, django_user_model):
    user = django_user_model.objects.create_superuser("root@example.org", "correct horse battery staple")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
