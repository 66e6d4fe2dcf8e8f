"""One change for several members at once. Whom it cannot be done to is named; the others are changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Group, Membership, User
from apps.accounts.permissions import permission_require
from apps.accounts.services.groups import group_member_add
from apps.accounts.services.people import member_remove, role_change
from apps.accounts.services.sessions import person_disable, person_enable
from chatbot.lib.errors import AppError, ValidationFailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkChange:
    """`question` and `text` are asked before, `done` is said after; `{count}` stands for how many people and
    `{name}` for the group."""

    code: str
    question: str
    text: str
    button: str
    done: str
    apply: Callable[[User, UUID, UUID], object]
    name: str = ""
    is_danger: bool = False

    def said(self, words: str, count: int) -> str:
        return words.format(count="1 person" if count == 1 else f"{count} people", name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What will happen, and to whom. Who is asked for and not of the workspace is left out."""

    change: BulkChange
    people: Sequence[User]

    @property
    def question(self) -> str:
        return self.change.said(self.change.question, len(self.people))


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """How many were changed, and who was not and why."""

    change: BulkChange
    done: int
    refused: Sequence[tuple[str, str]]

    @property
    def sentence(self) -> str:
        words = [self.change.said(self.change.done, self.done)] if self.done or not self.refused else []
        return " ".join([*words, *(f"{name} not: {reason}" for name, reason in self.refused)])


def bulk_change_of(*, workspace_id: UUID, code: str) -> BulkChange:
    """The change behind `role:<role>`, `group:<key>`, `disable`, `enable` or `remove`. Raises ValidationFailedError."""
    kind, _, value = code.partition(":")
    if kind == "role" and value in Membership.Role.values:
        return _role_change_of(value)
    if kind == "group" and (group := _group_of(workspace_id, value)):
        return _group_change_of(group)
    if code in _PLAIN:
        return _PLAIN[code]
    raise ValidationFailedError("Choose what to do.", errors={"change": "Choose what to do."})


def people_bulk_plan(*, actor: User, workspace_id: UUID, person_ids: Sequence[UUID], change: BulkChange) -> BulkPlan:
    """What to ask about before. Raises NotFoundError, ForbiddenError, ValidationFailedError if nobody is left."""
    permission_require(user=actor, workspace_id=workspace_id, permission="people_manage")
    people = list(User.objects.filter(pk__in=person_ids, memberships__workspace_id=workspace_id).order_by("email"))
    if not people:
        raise ValidationFailedError("Select at least one person first.")
    return BulkPlan(change=change, people=people)


def people_bulk_apply(*, actor: User, workspace_id: UUID, person_ids: Sequence[UUID], change: BulkChange) -> BulkResult:
    """Do it to each in a transaction of their own, audited one by one. Raises as `people_bulk_plan`."""
    plan = people_bulk_plan(actor=actor, workspace_id=workspace_id, person_ids=person_ids, change=change)
    refused: list[tuple[str, str]] = []
    for person in plan.people:
        try:
            with transaction.atomic():
                change.apply(actor, workspace_id, person.pk)
        except AppError as error:
            refused.append((str(person), error.detail or error.title))
    return BulkResult(change=change, done=len(plan.people) - len(refused), refused=refused)


def _role_change_of(role: str) -> BulkChange:
    title = Membership.Role(role).label
    return BulkChange(
        code=f"role:{role}",
        question=f"Make {{count}} {title.lower()}?",
        text=_ROLE_WORDS[role],
        button="Change the role",
        done=f"{{count}}: the role is {title.lower()} now.",
        apply=lambda actor, workspace_id, person_id: role_change(
            actor=actor, workspace_id=workspace_id, person_id=person_id, role=role
        ),
    )


def _group_of(workspace_id: UUID, value: str) -> Group | None:
    try:
        key = UUID(value)
    except ValueError:
        return None
    return Group.objects.filter(workspace_id=workspace_id, key=key).first()


def _group_change_of(group: Group) -> BulkChange:
    return BulkChange(
        code=f"group:{group.key}",
        question="Add {count} to the group “{name}”?",
        name=group.title,
        text="They get at once what is shared with the group.",
        button="Add to the group",
        done="{count} added to the group “{name}”.",
        apply=lambda actor, _, person_id: group_member_add(actor=actor, group_id=group.key, user_id=person_id),
    )


_ROLE_WORDS = {
    "admin": "Administrators manage the people, documents, limits and the audit log of this workspace.",
    "user": "Users chat, upload documents and share what is their own.",
    "viewer": "Viewers read what is shared with them. They can neither ask nor upload.",
}
_PLAIN = {
    "disable": BulkChange(
        code="disable",
        question="Disable {count}?",
        text="They are signed out everywhere at once and cannot sign in any more, in no workspace.",
        button="Disable",
        done="{count} disabled.",
        apply=lambda actor, _, person_id: person_disable(actor=actor, user=User.objects.get(pk=person_id)),
        is_danger=True,
    ),
    "enable": BulkChange(
        code="enable",
        question="Enable {count}?",
        text="They can sign in again. API keys that ended stay ended.",
        button="Enable",
        done="{count} enabled.",
        apply=lambda actor, _, person_id: person_enable(actor=actor, user=User.objects.get(pk=person_id)),
    ),
    "remove": BulkChange(
        code="remove",
        question="Remove {count} from the workspace?",
        text="What is shared with them here closes at once, and their API keys of this workspace end. "
        "Their accounts, conversations and documents stay.",
        button="Remove",
        done="{count} removed from the workspace.",
        apply=lambda actor, workspace_id, person_id: member_remove(
            actor=actor, workspace_id=workspace_id, person_id=person_id
        ),
        is_danger=True,
    ),
}
# Codes and words of the changes that need no further choice.
PLAIN_CHANGES = (("disable", "Disable"), ("enable", "Enable"), ("remove", "Remove from the workspace"))
