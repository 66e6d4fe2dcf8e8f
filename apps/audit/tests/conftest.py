import pytest


@pytest.fixture
def admin_site_client(client, db, django_user_model):
    user = django_user_model.objects.create_superuser("root@example.org", "correct horse battery staple")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture(autouse=True)
def audit_heads(settings, tmp_path):
    """The file of signed heads of one test: another test's would speak of chains that are gone."""
    settings.AUDIT_HEADS = tmp_path / "audit" / "heads.jsonl"
    return settings.AUDIT_HEADS
