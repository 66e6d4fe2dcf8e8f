"""The table of roles in the user guide is the one in the code."""

from pathlib import Path

from apps.accounts.permission_table import ADMIN, PERMISSIONS, SUPER_ADMIN, USER, VIEWER

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "user-guide.md"
ROLES = (VIEWER, USER, ADMIN, SUPER_ADMIN)


def _table():
    yield "| what one may do | viewer | user | admin | super admin |"
    yield "|---|---|---|---|---|"
    for permission in PERMISSIONS.values():
        marks = " | ".join("yes" if role in permission.roles else "–" for role in ROLES)
        yield f"| {permission.title} | {marks} |"


def test_the_guide_shows_the_permission_table():
    expected = "\n".join(_table())
    assert expected in GUIDE.read_text(encoding="utf-8"), f"Put this under Roles in {GUIDE.name}:\n{expected}"
