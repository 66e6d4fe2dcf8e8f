"""Rules of single sign-on: the list, a new one, deleting one, and the dry run. For super admins."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.forms.sign_in_rules import SignInRuleForm, SignInTryForm, UnlinkForm
from apps.accounts.models import SignInRule
from apps.accounts.permissions import permission_require
from apps.accounts.services.sign_in_rules import sign_in_rule_create, sign_in_rule_delete
from apps.accounts.sso.configuration import SOURCE_NAMES, groups_claim, sources_on
from apps.accounts.sso.linking import identities_unlink
from apps.accounts.sso.planning import sign_in_plan
from apps.accounts.sso.telling import Told, plan_told
from apps.accounts.sso.trying import person_of_claims, person_of_last_sign_in
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.forms import errors_add, posted


@never_cache
@require_GET
def sign_in_rules(request: UserRequest) -> HttpResponse:
    _require(request)
    return _page(request, UnlinkForm())


@require_POST
def sign_in_unlink(request: UserRequest) -> HttpResponse:
    """End all links of one account."""
    _require(request)
    page: HttpResponse = _unlink(request)
    return page


@step_up_required
def _unlink(request: UserRequest) -> HttpResponse:
    form = UnlinkForm(request.POST)
    if form.is_valid():
        try:
            count = identities_unlink(actor=request.user, email=form.cleaned_data["email"])
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            messages.success(request, f"{count} links are ended." if count else "There was no link.")
            return redirect("accounts:sign-in-rules")
    return _page(request, form)


def _page(request: UserRequest, form: UnlinkForm) -> HttpResponse:
    rules = SignInRule.objects.select_related("workspace", "group").order_by("source", "created_at", "pk")
    context = {
        "settings_section": "sign-in-rules",
        "rules": [(SOURCE_NAMES.get(rule.source, rule.source), rule) for rule in rules],
        "sources_on": [SOURCE_NAMES[source] for source in sources_on()],
        "form": form,
    }
    return render(request, "accounts/sign_in_rules.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_rule_new(request: UserRequest) -> HttpResponse:
    _require(request)
    page: HttpResponse = _rule_new(request)
    return page


@step_up_required
def _rule_new(request: UserRequest) -> HttpResponse:
    source = next(iter(sources_on()), "oidc")
    form = SignInRuleForm(posted(request), initial={"source": source, "claim": groups_claim(source)})
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            sign_in_rule_create(
                actor=request.user,
                source=chosen["source"],
                claim=chosen["claim"],
                value=chosen["value"],
                workspace_id=chosen["workspace"].pk if chosen["workspace"] else None,
                role=chosen["role"],
                group_id=chosen["group"].key if chosen["group"] else None,
                makes_super_admin=chosen["makes_super_admin"],
            )
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            messages.success(request, "The rule counts from everybody's next sign-in.")
            return redirect("accounts:sign-in-rules")
    context = {"settings_section": "sign-in-rules", "form": form}
    return render(request, "accounts/sign_in_rule_new.html", context, status=422 if form.errors else 200)


@require_POST
def sign_in_rule_remove(request: UserRequest, rule_id: UUID) -> HttpResponse:
    _require(request)
    page: HttpResponse = _rule_remove(request, rule_id)
    return page


@step_up_required
def _rule_remove(request: UserRequest, rule_id: UUID) -> HttpResponse:
    sign_in_rule_delete(actor=request.user, rule_id=rule_id)
    messages.success(request, "The rule is deleted. What it gave goes with each person's next sign-in.")
    return redirect("accounts:sign-in-rules")


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_try(request: UserRequest) -> HttpResponse:
    """What a sign-in would become. Changes nothing."""
    _require(request)
    form = SignInTryForm(posted(request), initial={"source": next(iter(sources_on()), "oidc")})
    told: Told | None = None
    if form.is_valid():
        try:
            told = _told(form)
        except ValidationFailedError as error:
            errors_add(form, error)
    context = {"settings_section": "sign-in-rules", "form": form, "told": told}
    return render(request, "accounts/sign_in_try.html", context, status=422 if form.errors else 200)


def _told(form: SignInTryForm) -> Told:
    source, claims = form.cleaned_data["source"], form.cleaned_data["claims"]
    if claims is not None:
        person = person_of_claims(source=source, claims=claims)
    else:
        person = person_of_last_sign_in(source=source, email=form.cleaned_data["email"])
    return plan_told(sign_in_plan(person))


def _require(request: UserRequest) -> None:
    permission_require(user=request.user, workspace_id=None, permission="sign_in_rules_manage")
