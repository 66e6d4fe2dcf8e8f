"""What each role may do: the one table. Shown in the docs and in Django's admin; tests walk every route against it.

It says what may be tried. Which conversation, document or person it may be tried on is the selectors' business:
what is not one's own and not shared does not exist.
"""

from dataclasses import dataclass

VIEWER = "viewer"
USER = "user"
ADMIN = "admin"
# Above every workspace: has all of the below in each, but being above opens no content.
SUPER_ADMIN = "super_admin"

_EVERYBODY = frozenset({VIEWER, USER, ADMIN, SUPER_ADMIN})
_MEMBERS = frozenset({USER, ADMIN})
_ADMINS = frozenset({ADMIN, SUPER_ADMIN})
_ABOVE = frozenset({SUPER_ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    code: str
    title: str
    roles: frozenset[str]


_ROWS = (
    ("account", "Look after one's own account: profile, password, second factor, sessions", _EVERYBODY),
    ("conversation_read", "Read one's own conversations and those shared with one", _EVERYBODY),
    ("conversation_write", "Ask, and change one's own conversations", _MEMBERS),
    ("document_read", "Read one's own documents and those of collections one may read; search in them", _EVERYBODY),
    ("document_write", "Upload documents and delete one's own", _MEMBERS),
    ("collection_write", "Make collections and change one's own", _MEMBERS),
    ("share", "Share one's own conversations and collections with people and groups", _MEMBERS),
    ("model_read", "See which models there are", _EVERYBODY),
    ("key_write", "Make API keys for oneself", _EVERYBODY),
    ("document_manage", "Delete the documents of collections open to the workspace", _ADMINS),
    ("people_manage", "Invite, change roles, disable, reset second factors, manage groups", _ADMINS),
    ("workspace_manage", "Change the workspace: name, limits, second-factor policy", _ADMINS),
    ("audit_read", "Read and export the workspace's audit log", _ADMINS),
    ("break_glass", "Read another person's conversations: with a reason, a second factor, for 30 minutes", _ADMINS),
    ("workspace_create", "Create workspaces", _ABOVE),
    ("sign_in_rules_manage", "Say which role a single sign-on gives", _ABOVE),
    ("evaluation_manage", "Write golden questions and evaluate collections that one may change", _MEMBERS),
    ("gaps_read", "See which topics the workspace's documents do not cover", _ADMINS),
    ("index_manage", "Build, compare, switch and drop search indexes", _ABOVE),
    ("model_manage", "Switch models on and off", _ABOVE),
    ("site_manage", "Django admin: everything that is not a person's content", _ABOVE),
)
PERMISSIONS = {code: Permission(code=code, title=title, roles=roles) for code, title, roles in _ROWS}
