"""Other packages' middleware without their thread hops.

`MiddlewareMixin` runs each hook of each middleware in a thread under ASGI; with a dozen of them that is most of a
request's time. The hooks below compute and read headers only, so they run on the event loop; where one may touch the
database or the body, it goes to a thread.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from csp.middleware import CSPMiddleware as Csp
from django.contrib.auth.middleware import AuthenticationMiddleware as Authentication
from django.contrib.messages.middleware import MessageMiddleware as Message
from django.contrib.sessions.middleware import SessionMiddleware as Session
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware as XFrameOptions
from django.middleware.common import CommonMiddleware as Common
from django.middleware.csrf import CsrfViewMiddleware as Csrf
from django.middleware.security import SecurityMiddleware as Security
from django.utils.deprecation import MiddlewareMixin
from django_prometheus.middleware import PrometheusAfterMiddleware as PrometheusAfter
from django_prometheus.middleware import PrometheusBeforeMiddleware as PrometheusBefore
from typing_extensions import override
from whitenoise.middleware import WhiteNoiseMiddleware as WhiteNoise

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OnLoop(MiddlewareMixin):
    """Runs the hooks of the class it is mixed into on the event loop."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)
        if not iscoroutinefunction(get_response):
            return
        for name in ("process_view", "process_template_response"):
            hook = getattr(self, name, None)
            if hook is not None and not iscoroutinefunction(hook):
                setattr(self, name, _as_coroutine(hook))

    @override
    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase | None = None
        if hasattr(self, "process_request"):
            response = self.process_request(request)
        if response is None:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        return await self.response_finish(request, response)

    async def response_finish(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if hasattr(self, "process_response"):
            return cast("HttpResponseBase", self.process_response(request, response))
        return response


def _as_coroutine(hook: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        return hook(*args, **kwargs)

    # Django's complaint about a hook that returns nothing names the class it belongs to.
    run.__self__ = getattr(hook, "__self__", None)  # type: ignore[attr-defined]
    return run


class SecurityMiddleware(OnLoop, Security):
    pass


class CommonMiddleware(OnLoop, Common):
    pass


class AuthenticationMiddleware(OnLoop, Authentication):
    pass


class MessageMiddleware(OnLoop, Message):
    """Needs the cookie storage (MESSAGE_STORAGE); the session's would read the database."""


class XFrameOptionsMiddleware(OnLoop, XFrameOptions):
    pass


class CSPMiddleware(OnLoop, Csp):
    pass


class PrometheusBeforeMiddleware(OnLoop, PrometheusBefore):  # type: ignore[misc]  # the package has no types
    pass


class PrometheusAfterMiddleware(OnLoop, PrometheusAfter):  # type: ignore[misc]  # the package has no types
    pass


class SessionMiddleware(OnLoop, Session):
    """A changed session is saved in a thread."""

    @override
    async def response_finish(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.session.modified:
            return await sync_to_async(self.process_response)(request, cast("HttpResponse", response))
        return self.process_response(request, cast("HttpResponse", response))


class CsrfViewMiddleware(OnLoop, Csrf):
    """Checks of unsafe methods read the body, which may be a large upload, so they run in a thread."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        if iscoroutinefunction(get_response):
            self.process_view = self._process_view_async  # type: ignore[method-assign,assignment]
        super().__init__(get_response)

    async def _process_view_async(
        self, request: HttpRequest, callback: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        check = super().process_view
        if request.method in _SAFE_METHODS or getattr(callback, "csrf_exempt", False):
            return cast("HttpResponse | None", check(request, callback, args, kwargs))
        return cast("HttpResponse | None", await sync_to_async(check)(request, callback, args, kwargs))


class WhiteNoiseMiddleware(WhiteNoise):  # type: ignore[misc]  # the package has no types
    """Static files under ASGI: read whole in a thread (all are small); every other request passes on the loop."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    @override
    def add_files(self, root: str, prefix: str | None = None) -> None:
        # Without collectstatic there is no such folder, and that is no reason to warn.
        if Path(root).is_dir():
            super().add_files(root, prefix)

    @override
    def __call__(self, request: HttpRequest) -> Any:
        return self._answer(request) if self._is_async else super().__call__(request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        # find_file looks on the disk; it is used only while debugging.
        static_file = self.find_file(request.path_info) if self.autorefresh else self.files.get(request.path_info)
        if static_file is None:
            return cast("HttpResponseBase", await self.get_response(request))
        return await sync_to_async(self._serve_whole, thread_sensitive=False)(static_file, request)

    def _serve_whole(self, static_file: Any, request: HttpRequest) -> HttpResponse:
        served = self.serve(static_file, request)
        whole = HttpResponse(b"".join(served.streaming_content), status=served.status_code)
        del whole["Content-Type"]
        for name, value in served.items():
            whole[name] = value
        served.close()
        return whole
