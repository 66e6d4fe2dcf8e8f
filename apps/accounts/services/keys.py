"""API keys: made once shown, used, refused, revoked."""

import ipaddress
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.models import ApiKey, User, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.secret_hash import secret_hash
from apps.accounts.selectors.keys import (
    BEGINNING,
    key_found,
    key_owner,
    key_refusal,
    key_secret_is_right,
    key_text_read,
    keys_alive,
)
from apps.accounts.sign_in_use import USE_NOTED_EVERY
from apps.audit.actions import API_KEY_CREATED, API_KEY_REFUSED, API_KEY_REVOKED, API_KEY_USED
from apps.audit.services import event_record
from chatbot.lib.errors import AppError, NotFoundError, ValidationFailedError
from chatbot.lib.valkey import valkey

DAYS_BY_DEFAULT = 90
DAYS_MAXIMUM = 3650
# More than anybody keeps apart by name.
KEYS_MAXIMUM = 50
NETWORKS_MAXIMUM = 50
NAME_MAXIMUM = 100
_PREFIX_LETTERS = string.ascii_lowercase + string.digits
_PREFIX_LENGTH = 12
_SECRET_BYTES = 32
# A program that goes on with a dead key is told of once in this time.
_REFUSAL_TOLD_SECONDS = 60


@transaction.atomic
def key_create(
    *,
    actor: User,
    name: str,
    workspace_id: UUID,
    scopes: Sequence[str],
    expires_in_days: int | None = DAYS_BY_DEFAULT,
    allowed_networks: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """A new key of the actor's own for one workspace, and its text, which nothing can show again.

    `expires_in_days` None: never. `allowed_networks`: addresses and CIDR networks of either kind, none for anywhere.
    Raises NotFoundError for a workspace that the actor is no member of, ForbiddenError, and ValidationFailedError.
    """
    permission_require(user=actor, workspace_id=workspace_id, permission="key_write")
    if not Workspace.objects.filter(pk=workspace_id).exists():
        raise NotFoundError
    # Two at once must not both find room.
    User.objects.select_for_update(no_key=True).filter(pk=actor.pk).first()
    networks = _networks_read(allowed_networks)
    _fields_check(actor=actor, workspace_id=workspace_id, name=name, scopes=scopes, days=expires_in_days)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey.objects.create(
        user=actor,
        workspace_id=workspace_id,
        name=name.strip(),
        prefix="".join(secrets.choice(_PREFIX_LETTERS) for _ in range(_PREFIX_LENGTH)),
        secret_hash=secret_hash(secret),
        scopes=[scope for scope in ApiKey.Scope.values if scope in scopes],
        allowed_networks=networks,
        expires_at=None if expires_in_days is None else timezone.now() + timedelta(days=expires_in_days),
    )
    event_record(
        action=API_KEY_CREATED,
        actor=actor,
        workspace_id=workspace_id,
        target=key,
        data={"scopes": ",".join(key.scopes), "days": expires_in_days or 0, "networks": len(networks)},
    )
    return key, f"{BEGINNING}{key.prefix}_{secret}"


@transaction.atomic
def key_revoke(*, actor: User, key: ApiKey) -> None:
    """End a key, one's own or as a super admin anybody's. Revoking twice is not an error.

    Raises NotFoundError for another's.
    """
    if key.user_id != actor.pk and not actor.is_super_admin:
        raise NotFoundError
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return
    event_record(action=API_KEY_REVOKED, actor=actor, workspace_id=key.workspace_id, target=key)
    access_ended_announce(user_id=key.user_id)


def keys_revoke_all(*, user: User) -> int:
    """End every key of the person, in the caller's transaction, which records it. Gives how many had not ended."""
    return keys_alive().filter(user=user).update(revoked_at=timezone.now())


def key_authenticate(*, text: str, address: str | None) -> User | None:
    """The person for whom the key acts from this address, with `api_key` set; None for every kind of refusal.

    One query, and once a minute another that notes the use.
    """
    parts = key_text_read(text)
    if parts is None:
        return None
    key = key_found(prefix=parts.prefix)
    if not key_secret_is_right(key, parts.secret) or key is None:
        _refusal_record(prefix=parts.prefix, key=key, reason="unknown", address=address, is_owner=False)
        return None
    reason = key_refusal(key) or ("" if address_is_allowed(key.allowed_networks, address) else "address")
    if reason:
        _refusal_record(prefix=parts.prefix, key=key, reason=reason, address=address, is_owner=True)
        return None
    _use_note(key, address)
    return key_owner(key)


def address_is_allowed(networks: Sequence[str], address: str | None) -> bool:
    """Whether the address is in one of the networks, or there are none. One that is not known is in none."""
    if not networks:
        return True
    if address is None:
        return False
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    return any(ip in ipaddress.ip_network(network) for network in networks)


def _use_note(key: ApiKey, address: str | None) -> None:
    now, before = timezone.now(), key.last_used_at
    if before is not None and now - before < USE_NOTED_EVERY:
        return
    with transaction.atomic():
        # Of several requests at once one notes it.
        mine = ApiKey.objects.filter(pk=key.pk, last_used_at=before)
        if mine.update(last_used_at=now, last_used_address=address) and _hour(before) != _hour(now):
            event_record(action=API_KEY_USED, actor=key.user, workspace_id=key.workspace_id, target=key)


def _hour(moment: datetime | None) -> datetime | None:
    return moment.replace(minute=0, second=0, microsecond=0) if moment else None


def _refusal_record(*, prefix: str, key: ApiKey | None, reason: str, address: str | None, is_owner: bool) -> None:
    """Who presents a wrong secret is not the owner, and is known by the key's public part only."""
    subject = key.prefix if key else f"unknown:{address}"
    try:
        is_news = valkey().set(f"key-refused:{subject}:{reason}", "1", nx=True, ex=_REFUSAL_TOLD_SECONDS)
    except (RedisError, OSError):
        return
    if is_news:
        event_record(
            action=API_KEY_REFUSED,
            actor=key.user if key and is_owner else None,
            actor_label=f"{BEGINNING}{prefix}",
            workspace_id=key.workspace_id if key else None,
            target=key,
            data={"reason": reason},
            result="refused",
        )


def _fields_check(*, actor: User, workspace_id: UUID, name: str, scopes: Sequence[str], days: int | None) -> None:
    errors: dict[str, str] = {}
    if not 1 <= len(name.strip()) <= NAME_MAXIMUM:
        errors["name"] = f"Give it a name of 1 to {NAME_MAXIMUM} characters."
    if not scopes or set(scopes) - set(ApiKey.Scope.values):
        errors["scopes"] = f"Choose at least one of {', '.join(ApiKey.Scope.values)}."
    elif ApiKey.Scope.ADMIN in scopes and not _is_administrator(actor, workspace_id):
        errors["scopes"] = "The scope admin is for administrators of the workspace."
    if days is not None and not 1 <= days <= DAYS_MAXIMUM:
        errors["expires_in_days"] = f"must be between 1 and {DAYS_MAXIMUM}"
    if keys_alive().filter(user=actor).count() >= KEYS_MAXIMUM:
        errors["name"] = f"You have {KEYS_MAXIMUM} keys. Revoke one that you no longer use first."
    if errors:
        raise ValidationFailedError(errors=errors)


def _is_administrator(actor: User, workspace_id: UUID) -> bool:
    try:
        permission_require(user=actor, workspace_id=workspace_id, permission="people_manage")
    except AppError:
        return False
    return True


def _networks_read(texts: Sequence[str]) -> list[str]:
    """In their plain form. Raises ValidationFailedError for the first that is none."""
    networks: list[str] = []
    for text in texts:
        try:
            network = str(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError as error:
            problem = f"“{text.strip()[:50]}” is neither an address nor a network like 10.1.0.0/16 or 2001:db8::/32."
            raise ValidationFailedError(errors={"allowed_networks": problem}) from error
        if network not in networks:
            networks.append(network)
    if len(networks) > NETWORKS_MAXIMUM:
        raise ValidationFailedError(errors={"allowed_networks": f"At most {NETWORKS_MAXIMUM} networks."})
    return networks
