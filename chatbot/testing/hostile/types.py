"""What a door is. Lists of them stand beside this file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Stands in a step for what is sent: `HOSTILE@example.org`, `/setup/HOSTILE/`.
HOSTILE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}hostile\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"

NOBODY, HALF, ADA, BEN, ANNA, ROOT = "nobody", "half", "ada", "ben", "anna", "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request. `{name}` in path, query and form is a thing of the world; `HOSTILE` is what is sent.

    `form`, `json` or `filename` makes it a POST unless `method` says otherwise. `filename`: of an uploaded file.
    `is_exact`: the path goes out as it is, as a client that escapes nothing would send it.
    """

    path: str
    method: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    filename: str = ""
    is_exact: bool = False

    @property
    def verb(self) -> str:
        has_body = self.form is not None or self.json is not None or bool(self.filename)
        return self.method or ("POST" if has_body else "GET")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Requests of one browser, one after the other.

    `who`: nobody, ada (user), ben (user without a second factor),
    anna (administrator), root (super admin). `harmless` goes through as `expects`, the status of the
    last answer: a door that leads nowhere any more fails there. `kinds`: of what is sent, all if empty. `leaves_for`:
    the one host that it may lead to.
    """

    group: str
    name: str
    steps: tuple[Step, ...]
    who: str = ADA
    harmless: str = "harmless"
    expects: int = 200
    kinds: frozenset[str] = frozenset()
    leaves_for: str = ""


def door(group: str, name: str, path: str, *later: Step, **options: Any) -> Door:
    """A door of one request, and what is looked at `later`. `options` are those of the step and of the door."""
    of_door = {key: options.pop(key) for key in ("who", "harmless", "expects", "kinds", "leaves_for") if key in options}
    return Door(group=group, name=name, steps=(Step(path=path, **options), *later), **of_door)
