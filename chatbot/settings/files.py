"""Uploads, static files and their storage."""

from chatbot.settings.env import env_int, env_path
from chatbot.settings.paths import BASE_DIR, DATA_DIR

STATIC_URL = "/static/"
STATIC_ROOT = env_path("CHATBOT_STATIC_DIR", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "files"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(MEDIA_ROOT)}},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if (STATIC_ROOT / "staticfiles.json").exists()
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# Where collectstatic has run (a container), files have names that change with their content, and are compressed.
# Where it has not (a laptop), they are served from the apps' folders as they are.
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_PERMISSIONS = 0o600

UPLOAD_MAX_BYTES = env_int("CHATBOT_UPLOAD_MAX_BYTES", 100 * 1024 * 1024, minimum=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
