"""Random worlds for tests of access: two people who share a workspace and no document, whatever else is granted.

`world_make` draws for each document how one of the two may read it and the other may not. Whoever writes a test about
what one sees of another takes the worlds from here, so that all ways of granting are tried.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from apps.accounts.models import Group, User, Workspace
    from apps.documents.models import Collection, DocumentVersion

# Makes an indexed document: (owner, text, filename=, workspace=, collection=) → its version.
DocumentMake = Callable[..., "DocumentVersion"]
WORDS = ("turbine", "wing", "heat", "report", "cost", "pump", "valve", "contract", "salary", "offer")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`secrets`: person's key → a word that stands in their documents only, in texts and file names.

    `documents`: person's key → keys of the documents that they may read; the two sets have nothing in common.
    """

    people: tuple["User", "User"]
    secrets: dict[UUID, str]
    documents: dict[UUID, frozenset[UUID]]

    def other(self, person: "User") -> "User":
        first, second = self.people
        return second if person == first else first


def world_make(
    *, seed: int, people: "tuple[User, User]", workspace: "Workspace", document_make: DocumentMake, count: int = 14
) -> World:
    """`people`: members of the workspace; each document is readable by one of them or by nobody.

    Equal and nearly equal texts are among them, so that copies and reused vectors have their chance.
    """
    chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
    secrets = {person.pk: f"secret{chooser.randrange(10**9)}x" for person in people}
    documents: dict[UUID, set[UUID]] = {person.pk: set() for person in people}
    common = _text(chooser, 40)
    for number in range(count):
        reader = chooser.choice((*people, None))
        secret = secrets[reader.pk] if reader else "nobodys"
        text = chooser.choice((common, _text(chooser, chooser.randrange(3, 60))))
        owner, place, collection = _way(chooser, reader, people, workspace, number)
        version = document_make(
            owner, f"{text} {secret}", filename=f"{secret} {number}.txt", workspace=place, collection=collection
        )
        if reader:
            documents[reader.pk].add(version.document_id)
    return World(people=people, secrets=secrets, documents={key: frozenset(own) for key, own in documents.items()})


def _text(chooser: random.Random, length: int) -> str:
    return " ".join(chooser.choices(WORDS, k=length))


def _way(
    chooser: random.Random, reader: "User | None", people: "Sequence[User]", workspace: "Workspace", number: int
) -> "tuple[User | None, Workspace, Collection | None]":
    """Owner, workspace and collection of a document that only `reader` may read."""
    if reader is None:
        return None, workspace, chooser.choice((None, _collection(workspace, None, number)))
    ways = (_owned, _in_own_collection, _granted_to_person, _granted_to_group, _in_open_workspace)
    return chooser.choice(ways)(reader, workspace, number)


def _owned(reader: "User", workspace: "Workspace", number: int) -> "tuple[User, Workspace, None]":
    return reader, workspace, None


def _in_own_collection(reader: "User", workspace: "Workspace", number: int) -> "tuple[None, Workspace, Collection]":
    return None, workspace, _collection(workspace, reader, number)


def _granted_to_person(reader: "User", workspace: "Workspace", number: int) -> "tuple[None, Workspace, Collection]":
    collection = _collection(workspace, None, number)
    _grant(reader, collection)
    return None, workspace, collection


def _granted_to_group(reader: "User", workspace: "Workspace", number: int) -> "tuple[None, Workspace, Collection]":
    from apps.accounts.models import Group

    group = Group.objects.create(name=f"group {workspace.pk} {number}", workspace=workspace, title=f"Group {number}")
    group.user_set.add(reader)
    collection = _collection(workspace, None, number)
    _grant(group, collection)
    return None, workspace, collection


def _in_open_workspace(reader: "User", workspace: "Workspace", number: int) -> "tuple[None, Workspace, Collection]":
    """A collection open to all, in a workspace to which only the reader belongs."""
    from apps.accounts.models import Membership, Workspace
    from apps.documents.models import Collection

    place = Workspace.objects.create(name=f"Place {number}", slug=f"place-{reader.pk.hex[-12:]}-{number}")
    Membership.objects.create(user=reader, workspace=place)
    collection = _collection(place, None, number)
    Collection.objects.filter(pk=collection.pk).update(visibility=Collection.Visibility.WORKSPACE)
    return None, place, collection


def _collection(workspace: "Workspace", owner: "User | None", number: int) -> "Collection":
    from apps.documents.models import Collection

    return Collection.objects.create(workspace=workspace, owner=owner, name=f"Shelf {number}")


def _grant(grantee: "User | Group", collection: "Collection") -> None:
    from django.db import transaction

    from apps.accounts.permissions import grant_add

    with transaction.atomic():
        grant_add(to=grantee, target=collection)
