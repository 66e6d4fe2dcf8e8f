"""Events in the Open Cybersecurity Schema Framework, version 1.3.0 (schema.ocsf.io), as security tools take them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.audit import actions
from apps.audit.actions import ACTIONS

SCHEMA_VERSION = "1.3.0"
PRODUCT = "chatbot"

_ACCOUNT_CHANGE, _AUTHENTICATION, _ENTITY_MANAGEMENT, _USER_ACCESS, _GROUP_MANAGEMENT = 3001, 3002, 3004, 3005, 3006
_API_ACTIVITY, _DATASTORE_ACTIVITY, _FILE_HOSTING = 6003, 6005, 6006
_CLASS_NAMES = {
    _ACCOUNT_CHANGE: "Account Change",
    _AUTHENTICATION: "Authentication",
    _ENTITY_MANAGEMENT: "Entity Management",
    _USER_ACCESS: "User Access Management",
    _GROUP_MANAGEMENT: "Group Management",
    _API_ACTIVITY: "API Activity",
    _DATASTORE_ACTIVITY: "Datastore Activity",
    _FILE_HOSTING: "File Hosting Activity",
}
_OTHER = 99
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = 1, 2, 3, 4

# Action to class and activity. A test asserts that none is missing.
CLASSES: Mapping[str, tuple[int, int]] = {
    actions.SIGNED_IN: (_AUTHENTICATION, 1),
    actions.SIGN_IN_FAILED: (_AUTHENTICATION, 1),
    actions.SIGNED_OUT: (_AUTHENTICATION, 2),
    actions.TOKEN_REUSED: (_AUTHENTICATION, _OTHER),
    actions.SECOND_FACTOR_FAILED: (_AUTHENTICATION, 1),
    actions.RECOVERY_CODE_USED: (_AUTHENTICATION, 1),
    actions.SSO_APPLIED: (_AUTHENTICATION, _OTHER),
    actions.SSO_REFUSED: (_AUTHENTICATION, 1),
    actions.SESSION_ENDED: (_AUTHENTICATION, 2),
    actions.SESSIONS_ENDED: (_AUTHENTICATION, 2),
    actions.API_KEY_USED: (_AUTHENTICATION, 1),
    actions.API_KEY_REFUSED: (_AUTHENTICATION, 1),
    actions.SIGN_IN_LOCKED: (_ACCOUNT_CHANGE, 9),
    actions.SIGN_IN_UNLOCKED: (_ACCOUNT_CHANGE, _OTHER),
    actions.PASSWORD_CHANGED: (_ACCOUNT_CHANGE, 3),
    actions.PASSWORD_RESET_ASKED: (_ACCOUNT_CHANGE, 4),
    actions.SECOND_FACTOR_ADDED: (_ACCOUNT_CHANGE, 10),
    actions.SECOND_FACTOR_REMOVED: (_ACCOUNT_CHANGE, 11),
    actions.SECOND_FACTOR_RESET: (_ACCOUNT_CHANGE, 11),
    actions.RECOVERY_CODES_MADE: (_ACCOUNT_CHANGE, _OTHER),
    actions.ADMINISTRATOR_CREATED: (_ACCOUNT_CHANGE, 1),
    actions.PERSON_CREATED: (_ACCOUNT_CHANGE, 1),
    actions.PERSON_CHANGED: (_ACCOUNT_CHANGE, _OTHER),
    actions.PERSON_DELETED: (_ACCOUNT_CHANGE, 6),
    actions.PERSON_DISABLED: (_ACCOUNT_CHANGE, 5),
    actions.PERSON_ENABLED: (_ACCOUNT_CHANGE, 2),
    actions.INVITATION_ACCEPTED: (_ACCOUNT_CHANGE, _OTHER),
    actions.MEMBER_ADDED: (_USER_ACCESS, 1),
    actions.MEMBER_REMOVED: (_USER_ACCESS, 2),
    actions.ROLE_CHANGED: (_USER_ACCESS, 1),
    actions.GRANT_ADDED: (_USER_ACCESS, 1),
    actions.GRANT_REMOVED: (_USER_ACCESS, 2),
    actions.BREAK_GLASS_OPENED: (_USER_ACCESS, 1),
    actions.BREAK_GLASS_ENDED: (_USER_ACCESS, 2),
    actions.GROUP_CHANGED: (_GROUP_MANAGEMENT, _OTHER),
    actions.SIGN_IN_RULE_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.API_KEY_CREATED: (_ENTITY_MANAGEMENT, 1),
    actions.API_KEY_REVOKED: (_ENTITY_MANAGEMENT, 4),
    actions.INVITATION_SENT: (_ENTITY_MANAGEMENT, 1),
    actions.INVITATION_REVOKED: (_ENTITY_MANAGEMENT, 4),
    actions.WORKSPACE_CREATED: (_ENTITY_MANAGEMENT, 1),
    actions.WORKSPACE_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.COLLECTION_CREATED: (_ENTITY_MANAGEMENT, 1),
    actions.COLLECTION_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.COLLECTION_DELETED: (_ENTITY_MANAGEMENT, 4),
    actions.MODEL_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.SETTINGS_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.ADMIN_READ: (_ENTITY_MANAGEMENT, 2),
    actions.GAPS_READ: (_ENTITY_MANAGEMENT, 2),
    actions.GOLDEN_QUESTIONS_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.TUNING_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.INDEX_BUILD_STARTED: (_ENTITY_MANAGEMENT, 1),
    actions.INDEX_CHANGED: (_ENTITY_MANAGEMENT, 3),
    actions.INDEX_SWITCHED: (_ENTITY_MANAGEMENT, 3),
    actions.INDEX_DROPPED: (_ENTITY_MANAGEMENT, 4),
    actions.WORKSPACE_SWITCHED: (_API_ACTIVITY, _OTHER),
    actions.RATE_LIMITED: (_API_ACTIVITY, _OTHER),
    actions.QUOTA_EXCEEDED: (_API_ACTIVITY, _OTHER),
    actions.FEEDBACK_GIVEN: (_API_ACTIVITY, 1),
    actions.EVALUATION_STARTED: (_API_ACTIVITY, 1),
    actions.DOCUMENT_UPLOADED: (_FILE_HOSTING, 1),
    actions.DOCUMENT_DOWNLOADED: (_FILE_HOSTING, 2),
    actions.DOCUMENT_DELETED: (_FILE_HOSTING, 4),
    actions.DOCUMENT_CANCELLED: (_FILE_HOSTING, _OTHER),
    actions.DOCUMENT_CHANGED: (_FILE_HOSTING, 3),
    actions.QUESTION_ASKED: (_DATASTORE_ACTIVITY, 4),
    actions.REPLY_WRITTEN: (_DATASTORE_ACTIVITY, 1),
    actions.CONVERSATION_DELETED: (_DATASTORE_ACTIVITY, 7),
    actions.BREAK_GLASS_READ: (_DATASTORE_ACTIVITY, 1),
    actions.AUDIT_READ: (_DATASTORE_ACTIVITY, 4),
    actions.AUDIT_EXPORTED: (_DATASTORE_ACTIVITY, 1),
    actions.AUDIT_TRIMMED: (_DATASTORE_ACTIVITY, 7),
}
_SEVERITIES = {
    actions.TOKEN_REUSED: _HIGH,
    actions.BREAK_GLASS_OPENED: _HIGH,
    actions.SIGN_IN_LOCKED: _MEDIUM,
    actions.SECOND_FACTOR_RESET: _MEDIUM,
    actions.SIGN_IN_RULE_CHANGED: _MEDIUM,
    actions.BREAK_GLASS_READ: _MEDIUM,
    actions.AUDIT_TRIMMED: _MEDIUM,
    actions.AUDIT_EXPORTED: _LOW,
}


def ocsf_event(row: Mapping[str, Any]) -> dict[str, Any]:
    """An event as `export.row_of` gives it, as OCSF has it. What OCSF has no place for stands in `unmapped`."""
    class_uid, activity_id = CLASSES.get(row["action"], (_API_ACTIVITY, _OTHER))
    is_refused = row["result"] == "refused"
    title = ACTIONS.get(row["action"], row["action"])
    return {
        "class_uid": class_uid,
        "class_name": _CLASS_NAMES[class_uid],
        "category_uid": class_uid // 1000,
        "activity_id": activity_id,
        **({"activity_name": title} if activity_id == _OTHER else {}),
        "type_uid": class_uid * 100 + activity_id,
        "time": round(datetime.fromisoformat(row["created_at"]).timestamp() * 1000),
        "severity_id": _SEVERITIES.get(row["action"], _LOW if is_refused else _INFORMATIONAL),
        "status_id": 2 if is_refused else 1,
        "message": title,
        "metadata": {
            "version": SCHEMA_VERSION,
            "product": {"name": PRODUCT, "vendor_name": PRODUCT},
            "uid": row["id"],
            "event_code": row["action"],
            "sequence": row["seq"],
            "log_name": row["chain"],
            **_given(correlation_uid=row["request_id"], tenant_uid=row["workspace_id"]),
        },
        "actor": {"user": _actor(row)},
        # What happened in a worker or by a command has no address.
        "src_endpoint": _given(ip=row["ip_address"]) or {"svc_name": PRODUCT},
        **_given(http_request=_given(user_agent=row["user_agent"], uid=row["request_id"])),
        **_PARTS[class_uid](row),
        "unmapped": _given(data=row["data"], hash=row["hash"], content_hash=row["content_hash"], role=row["role"]),
    }


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _user(key: str | None, label: str) -> dict[str, Any]:
    return {"type_id": 1 if key else 0, **_given(uid=key, name=label)} if key or label else {"type_id": 0, "name": "-"}


def _actor(row: Mapping[str, Any]) -> dict[str, Any]:
    return _user(row["actor_id"], row["actor_label"])


def _subject(row: Mapping[str, Any]) -> dict[str, Any]:
    """To whom it was done: the target if that is a person, else on whose behalf, else who did it."""
    if row["target_type"].endswith(".user"):
        return _user(row["target_id"], row["target_label"])
    if row["on_behalf_of_id"]:
        return _user(row["on_behalf_of_id"], row["on_behalf_of_label"])
    return _actor(row)


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    return _given(type=row["target_type"], uid=row["target_id"], name=row["target_label"]) or {"name": row["action"]}


def _privileges(row: Mapping[str, Any]) -> list[str]:
    """The role or grant that was given or taken, where the event names one."""
    named = [str(row["data"][name]) for name in ("role", "to", "permission") if row["data"].get(name)]
    return named or [row["action"]]


def _account_change(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": _subject(row)}


def _authentication(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": _subject(row), "service": {"name": PRODUCT}, "is_remote": True}


def _user_access(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": _subject(row), "privileges": _privileges(row), "resource": _resource(row)}


def _group_management(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"group": _given(uid=row["target_id"], name=row["target_label"]) or {"name": "-"}, "user": _subject(row)}


def _entity_management(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"entity": _resource(row)}


def _api_activity(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"api": {"operation": row["action"], "service": {"name": PRODUCT}}, "resources": [_resource(row)]}


def _datastore_activity(row: Mapping[str, Any]) -> dict[str, Any]:
    name = row["target_type"].partition(".")[0] or "audit"
    return {"database": {"name": name, "type_id": 1}, **_given(table=_given(name=row["target_type"]))}


def _file_hosting(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"file": {"name": row["target_label"] or "-", "type_id": 1, **_given(uid=row["target_id"])}}


_PARTS: Mapping[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    _ACCOUNT_CHANGE: _account_change,
    _AUTHENTICATION: _authentication,
    _ENTITY_MANAGEMENT: _entity_management,
    _USER_ACCESS: _user_access,
    _GROUP_MANAGEMENT: _group_management,
    _API_ACTIVITY: _api_activity,
    _DATASTORE_ACTIVITY: _datastore_activity,
    _FILE_HOSTING: _file_hosting,
}
