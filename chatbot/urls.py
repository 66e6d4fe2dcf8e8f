"""All addresses."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from chatbot import health
from chatbot.api import api

# The admin's own sign-in page would go past the counters of attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/", api.urls),
    path("scim/v2/", include("apps.accounts.scim.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("apps.accounts.urls_sign_in")),
    path("", include("apps.accounts.urls")),
    path("documents/", include("apps.documents.urls")),
    path("", include("apps.rag.urls")),
    path("", include("apps.conversations.urls")),
]

handler400 = "chatbot.error_views.bad_request"
handler403 = "chatbot.error_views.permission_denied"
handler404 = "chatbot.error_views.page_not_found"
# Read by allauth.
handler429 = "apps.accounts.views.limits.too_many_requests"
handler500 = "chatbot.error_views.server_error"
