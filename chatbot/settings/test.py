"""What tests override: a cheap password hash, plain static files, files in memory, no limits of use."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("CHATBOT_DATA_DIR", str(Path(tempfile.gettempdir()) / f"chatbot-test-{os.getpid()}"))

from chatbot.settings import *  # noqa: F403
from chatbot.settings import CACHES, DATABASES

DATABASES["default"]["TEST"] = {"NAME": os.environ.get("CHATBOT_TEST_DATABASE", "test_chatbot")}
# Tests open and drop databases; a pool would keep connections to them.
DATABASES["default"]["OPTIONS"].pop("pool", None)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
# Every test client would list all static files.
WHITENOISE_AUTOREFRESH = True
# Tests come from one address, and many share a Valkey; those about limits switch them on.
ACCOUNT_RATE_LIMITS = False
DOOR_LIMITS = False
API_RATE_PER_MINUTE = 0
# Where the weights lie in the model store every search would read them; tests about reranking bring a fake.
RERANK = "off"
CACHES["default"]["KEY_PREFIX"] = f"test-{os.getpid()}"
