"""Pages about search indexes, for super admins."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.permissions import permission_require
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected
from apps.rag.exceptions import IndexStateError, SwitchBlockedError
from apps.rag.models import IndexProfile
from apps.rag.profiles.changing import index_build, index_pause, index_resume
from apps.rag.profiles.coverage import coverage_of
from apps.rag.profiles.dropping import index_drop
from apps.rag.profiles.forms import IndexBuildForm, IndexForceForm
from apps.rag.profiles.switching import (
    coverage_reasons,
    index_roll_back,
    index_switch_ask,
    index_switch_force,
    roll_back_target,
)
from apps.rag.profiles.telling import IndexTold, indexes_told
from apps.rag.selectors import profile_live
from chatbot.lib.errors import NotFoundError, ValidationFailedError

SECTION = "indexes"
LIST = "rag:index-list"
# There are a handful; more than this nobody keeps.
SHOWN = 50


@never_cache
@require_GET
def index_list(request: UserRequest) -> HttpResponse:
    _require(request)
    profiles = IndexProfile.objects.select_related("created_by").order_by("-created_at")
    told = indexes_told(list(profiles[:SHOWN]))
    told.sort(key=lambda index: index.profile.state != IndexProfile.State.LIVE)
    context = {"settings_section": SECTION, "indexes": told, "roll_back": roll_back_target()}
    return render(request, "rag/index_list.html", context)


@never_cache
@require_GET
def index_progress(request: UserRequest, profile_id: UUID) -> HttpResponse:
    """How far it has come, again; the whole page where something else has changed, too."""
    profile = _profile(request, profile_id)
    told = IndexTold(profile=profile, coverage=coverage_of(profile))
    if request.GET.get("version") != told.version:
        return HttpResponseClientRefresh()
    return render(request, "rag/_index_progress.html", {"index": told})


@never_cache
@require_http_methods(["GET", "POST"])
def index_new(request: UserRequest) -> HttpResponse:
    _require(request)
    live = profile_live()
    initial = {"provider": live.provider, "embedder": live.embedder} if live else {}
    form = IndexBuildForm(request.POST) if request.method == "POST" else IndexBuildForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            profile = index_build(actor=request.user, wish=form.wish())
        except ValidationFailedError as error:
            for field, message in error.errors.items():
                form.add_error(field, message)
        else:
            return redirected(request, LIST, text=f"{profile.title} is being built. Searches go on as before.")
    context = {"settings_section": SECTION, "form": form}
    return render(request, "rag/index_new.html", context, status=422 if form.errors else 200)


@require_POST
def index_stop(request: UserRequest, profile_id: UUID) -> HttpResponse:
    profile = index_pause(actor=request.user, profile_id=profile_id)
    return redirected(request, LIST, text=f"{profile.title} is paused.")


@require_POST
def index_go_on(request: UserRequest, profile_id: UUID) -> HttpResponse:
    profile = index_resume(actor=request.user, profile_id=profile_id)
    return redirected(request, LIST, text=f"{profile.title} is being built again.")


@never_cache
@require_http_methods(["GET", "POST"])
def index_switch(request: UserRequest, profile_id: UUID) -> HttpResponse:
    """Say what speaks against the switch; have it checked and done, or do it anyway with a reason."""
    profile = _profile(request, profile_id)
    if request.method != "POST":
        return _switch_page(request, profile, IndexForceForm())
    if "reason" in request.POST:
        return _switch_anyway(request, profile)
    try:
        index_switch_ask(actor=request.user, profile_id=profile.pk)
    except SwitchBlockedError:
        return _switch_page(request, profile, IndexForceForm(), status=409)
    return redirected(
        request, LIST, text=f"{profile.title} is being compared on the golden questions; then searches use it."
    )


def _switch_anyway(request: UserRequest, profile: IndexProfile) -> HttpResponse:
    form = IndexForceForm(request.POST)
    if not form.is_valid():
        return _switch_page(request, profile, form, status=422)
    index_switch_force(actor=request.user, profile_id=profile.pk, reason=form.cleaned_data["reason"])
    return redirected(request, LIST, text=f"Searches use {profile.title} now.")


def _switch_page(
    request: UserRequest, profile: IndexProfile, form: IndexForceForm, *, status: int = 200
) -> HttpResponse:
    coverage = coverage_of(profile)
    context = {
        "settings_section": SECTION,
        "index": IndexTold(profile=profile, coverage=coverage),
        "reasons": coverage_reasons(profile, coverage),
        "live": profile_live(),
        "form": form,
    }
    return render(request, "rag/index_switch.html", context, status=status)


@require_POST
def index_back(request: UserRequest) -> HttpResponse:
    profile, missing = index_roll_back(actor=request.user)
    text = f"Searches use {profile.title} again."
    if missing:
        documents = "1 document is" if missing == 1 else f"{missing} documents are"
        text += f" {documents} not in it yet and added now."
    return redirected(request, LIST, text=text, kind=messages.WARNING if missing else messages.SUCCESS)


@never_cache
@require_http_methods(["GET", "POST"])
def index_delete(request: UserRequest, profile_id: UUID) -> HttpResponse:
    profile = _profile(request, profile_id)
    if request.method == "POST":
        index_drop(actor=request.user, profile_id=profile.pk)
        return redirected(request, LIST, text=f"{profile.title} is being deleted.")
    if profile.state == IndexProfile.State.LIVE:
        raise IndexStateError("The live index cannot be dropped. Switch to another one first.")
    return asked(
        request,
        section=SECTION,
        back=reverse(LIST),
        title=f"Drop {profile.title}?",
        text="Its passages and vectors are deleted. Documents stay, and searches go on with the live index. "
        "To have it again it must be built anew.",
        button="Drop",
    )


def _require(request: UserRequest) -> None:
    permission_require(user=request.user, workspace_id=None, permission="index_manage")


def _profile(request: UserRequest, profile_id: UUID) -> IndexProfile:
    _require(request)
    profile = IndexProfile.objects.filter(pk=profile_id).first()
    if profile is None:
        raise NotFoundError
    return profile
