"""Apps, middleware, templates, sign-in."""

from chatbot.settings.paths import BASE_DIR

INSTALLED_APPS = [
    "chatbot.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "channels",
    "corsheaders",
    "csp",
    "django_celery_beat",
    "django_htmx",
    "django_prometheus",
    "guardian",
    "ninja",
    "template_partials",
    "chatbot.apps.ChatbotConfig",
    "apps.audit",
    "apps.accounts",
    "apps.llm",
    "apps.documents",
    "apps.rag",
    "apps.conversations",
]

# The loop_middleware ones are the packages' own without their thread hops under ASGI.
MIDDLEWARE = [
    "chatbot.loop_middleware.PrometheusBeforeMiddleware",
    "chatbot.loop_middleware.SecurityMiddleware",
    "chatbot.middleware.BrowserRulesMiddleware",
    "chatbot.loop_middleware.WhiteNoiseMiddleware",
    "chatbot.middleware.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "chatbot.loop_middleware.CSPMiddleware",
    "chatbot.loop_middleware.SessionMiddleware",
    "chatbot.loop_middleware.CommonMiddleware",
    "chatbot.loop_middleware.CsrfViewMiddleware",
    "chatbot.loop_middleware.AuthenticationMiddleware",
    "chatbot.middleware.SignInRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "chatbot.loop_middleware.MessageMiddleware",
    "chatbot.loop_middleware.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "chatbot.middleware.AppErrorMiddleware",
    "chatbot.loop_middleware.PrometheusAfterMiddleware",
]
# Cookies, because the session's storage would read the database in a middleware.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

ROOT_URLCONF = "chatbot.urls"
ASGI_APPLICATION = "chatbot.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

AUTH_USER_MODEL = "accounts.User"
# One backend checks passwords: with two, a wrong password for a known address would take twice the time. After it has
# refused no other is asked; Django's own is here for sessions that name it.
AUTHENTICATION_BACKENDS = [
    "apps.accounts.sso.backend.PasswordBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
