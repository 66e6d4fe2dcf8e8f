"""The web process: pages, API, event streams and websockets on one port."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import get_resolver, re_path  # noqa: E402

from apps.conversations.routing import websocket_urlpatterns  # noqa: E402
from chatbot.sockets import OriginReadable, socket_unknown  # noqa: E402
from chatbot.turnstile import Turnstile  # noqa: E402

# Django reads the addresses at the first request; read now, a mistake in them stops the start, and no request waits.
_ = get_resolver().url_patterns

_sockets = URLRouter([*websocket_urlpatterns, re_path(r"", socket_unknown)])  # type: ignore[arg-type]
application = ProtocolTypeRouter(
    {
        "http": Turnstile(http_application),
        "websocket": OriginReadable(AllowedHostsOriginValidator(AuthMiddlewareStack(_sockets))),
    }
)
