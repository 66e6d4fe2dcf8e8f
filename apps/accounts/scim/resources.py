"""What of SCIM 2.0 (RFC 7643) is served: people and groups with the attributes that are kept, and nothing else.

Attributes that are not named here are ignored when a directory sends them: what is not needed is not stored.
"""

import hashlib
from typing import Annotated, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    Email,
    ETag,
    Filter,
    Meta,
    Mutability,
    Pagination,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.attributes import ComplexAttribute

from apps.accounts.models import ExternalIdentity
from apps.accounts.models import Group as GroupRow
from apps.accounts.models import User as UserRow

MAXIMUM_RESULTS = 200
POLICY = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)


class Name(ComplexAttribute):
    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None


class User(Resource):  # type: ignore[type-arg]
    """The core User of RFC 7643 §4.1 without what is not kept."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    Name: ClassVar[type[ComplexAttribute]] = Name
    display_name: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None
    Emails: ClassVar[type[ComplexAttribute]] = Email


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource):  # type: ignore[type-arg]
    """The core Group of RFC 7643 §4.2; its members are people, whose names stand with them."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    members: list[Member] | None = None
    Members: ClassVar[type[ComplexAttribute]] = Member


CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MAXIMUM_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=False),
    pagination=Pagination(cursor=False, index=True, default_page_size=MAXIMUM_RESULTS, max_page_size=MAXIMUM_RESULTS),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="API key",
            description="An API key of a super admin with the scope admin, as a bearer token.",
            primary=True,
        )
    ],
)
PROVIDER = ScimProvider(models=[User, Group], config=CONFIG)


def person_resource(user: UserRow, identity: ExternalIdentity | None, *, base: str) -> User:
    """The person as the directory sees them. `base`: address of the service, without a slash at the end."""
    kept = dict(identity.attributes) if identity else {}
    if identity is None:
        kept = {"userName": user.email, "displayName": user.name or None}
        kept["emails"] = [{"value": user.email, "primary": True}]
    person = User.model_validate({"schemas": [str(User.__schema__)], **kept}, scim_policy=POLICY)
    person.id = str(user.pk)
    # Left out where the directory left it out: being active is the default.
    is_said = identity is None or "active" in kept or not user.is_active
    person.active = user.is_active if is_said else None
    changed = max(user.date_joined, identity.updated_at) if identity else user.date_joined
    person.meta = Meta(
        resource_type="User",
        created=user.date_joined,
        last_modified=changed,
        location=f"{base}/Users/{user.pk}",
    )
    return person


def group_resource(group: GroupRow, members: list[UserRow], *, base: str) -> Group:
    return Group(
        id=str(group.key),
        external_id=group.external_id or None,
        display_name=group.title,
        members=[_member(user, base) for user in members] or None,
        meta=Meta(
            resource_type="Group",
            created=group.created_at,
            last_modified=group.created_at,
            location=f"{base}/Groups/{group.key}",
        ),
    )


def _member(user: UserRow, base: str) -> Member:
    return Member(value=str(user.pk), type="User", ref=Reference[User](f"{base}/Users/{user.pk}"))


def attributes_of(person: User) -> dict[str, object]:
    """What is kept of the person beside our own columns, in SCIM's own names."""
    fields = {"external_id", "user_name", "name", "display_name", "emails", "active"}
    kept: dict[str, object] = person.model_dump(include=fields, exclude_none=True)
    kept.pop("schemas", None)
    return kept


def email_of(person: User) -> str:
    """The address to sign in with: the primary one, else the first, else the user name if it is one.

    SCIM demands no address. Who has none gets one that cannot exist (RFC 2606) until the directory sends a real one.
    """
    emails = [email for email in person.emails or [] if email.value]
    chosen = next((email for email in emails if email.primary), emails[0] if emails else None)
    if chosen:
        return str(chosen.value).strip().lower()
    name = str(person.user_name or "").strip().lower()
    if "@" in name:
        return name
    return f"{hashlib.sha256(name.encode()).hexdigest()[:20]}@no-address.invalid"


def full_name_of(person: User) -> str:
    name = person.name
    parts = [name.given_name, name.family_name] if name else []
    return person.display_name or (name.formatted if name else "") or " ".join(part for part in parts if part)
