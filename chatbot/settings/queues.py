"""Valkey: broker and live token streams. Nothing here may not be lost: the database holds every job."""

from chatbot.settings.env import env_bool, env_int, env_url

VALKEY_URL = env_url("CHATBOT_VALKEY_URL", "redis://localhost:6379/0", schemes=("redis", "rediss", "unix"))


def broker_from_url(url: str) -> str:
    """Kombu's spelling of a Valkey address: `unix:///run/valkey.sock?db=0` becomes `redis+socket://…?virtual_host=0`."""
    if not url.startswith("unix://"):
        return url
    path, _, query = url.removeprefix("unix://").partition("?")
    database = query.removeprefix("db=") or "0"
    return f"redis+socket://{path}?virtual_host={database}"


# Counters of sign-in attempts. Nothing else is cached, and no value may be one that a restart must keep.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"serializer": "chatbot.lib.cache.JsonSerializer", "socket_connect_timeout": 2, "socket_timeout": 2},
    }
}

CELERY_BROKER_URL = broker_from_url(VALKEY_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "inference"
CELERY_TASK_ROUTES = {
    "apps.documents.tasks.page_render": {"queue": "pages"},
    "apps.documents.tasks.*": {"queue": "ingest"},
    "apps.rag.tasks.document_*": {"queue": "ingest"},
    "apps.rag.tasks.*": {"queue": "inference"},
    "apps.rag.evaluation.tasks.*": {"queue": "inference"},
    # index_step names its queue by the profile's provider.
    "apps.rag.profiles.tasks.*": {"queue": "inference"},
    "apps.conversations.tasks.*": {"queue": "inference"},
    "apps.llm.tasks.*": {"queue": "inference"},
    "apps.audit.tasks.*": {"queue": "inference"},
    "apps.accounts.tasks.*": {"queue": "inference"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Rows with leases are the truth and the reconciler re-enqueues, so the broker's own redelivery only adds load.
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "queue_order_strategy": "priority",
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.05, "interval_max": 0.1}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "replies-reconcile": {"task": "apps.conversations.tasks.replies_reconcile", "schedule": 5.0},
    "gaps-refresh": {"task": "apps.conversations.tasks.gaps_refresh", "schedule": 86_400.0},
    "models-refresh": {"task": "apps.llm.tasks.models_refresh", "schedule": 60.0},
    "versions-reconcile": {"task": "apps.documents.tasks.versions_reconcile", "schedule": 10.0},
    "indexes-reconcile": {"task": "apps.rag.profiles.tasks.indexes_reconcile", "schedule": 10.0},
    "weights-refresh": {"task": "apps.rag.tasks.document_weights_refresh", "schedule": 60.0},
    "evaluations-reconcile": {"task": "apps.rag.evaluation.tasks.evaluations_reconcile", "schedule": 30.0},
    "evaluations-nightly": {"task": "apps.rag.evaluation.tasks.evaluations_nightly", "schedule": 1800.0},
    "audit-partitions": {"task": "apps.audit.tasks.partitions_ensure", "schedule": 86_400.0},
    "audit-sign": {"task": "apps.audit.tasks.heads_sign", "schedule": 86_400.0},
    "audit-stream": {"task": "apps.audit.tasks.events_stream", "schedule": 5.0},
    "accounts-tidy": {"task": "apps.accounts.tasks.accounts_tidy", "schedule": 86_400.0},
    "audit-retain": {"task": "apps.audit.tasks.events_retain", "schedule": 86_400.0},
}

REPLY_LEASE_SECONDS = env_int("CHATBOT_REPLY_LEASE_SECONDS", 10, minimum=2, maximum=600)
# Asks the golden questions of every collection that has some each night, in this hour (UTC).
EVALUATION_NIGHTLY = env_bool("CHATBOT_EVALUATION_NIGHTLY", True)
EVALUATION_HOUR = env_int("CHATBOT_EVALUATION_HOUR", 2, minimum=0, maximum=23)
