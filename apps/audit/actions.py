"""Every action code the audit log knows. `event_record` refuses any other; a test asserts that each is used."""

ACTIONS: dict[str, str] = {}


def _action(code: str, title: str) -> str:
    if code in ACTIONS:
        raise ValueError(f"The action {code} is registered twice.")
    ACTIONS[code] = title
    return code


SIGNED_IN = _action("signed_in", "Signed in")
SIGN_IN_FAILED = _action("sign_in_failed", "Failed to sign in")
SIGNED_OUT = _action("signed_out", "Signed out")
PASSWORD_CHANGED = _action("password_changed", "Changed the password")
TOKEN_REUSED = _action("token_reused", "Presented a used refresh token")
ADMINISTRATOR_CREATED = _action("administrator_created", "Created the first administrator")
DOCUMENT_UPLOADED = _action("document_uploaded", "Uploaded a document")
DOCUMENT_DELETED = _action("document_deleted", "Deleted a document")
QUESTION_ASKED = _action("question_asked", "Asked a question")
CONVERSATION_DELETED = _action("conversation_deleted", "Deleted a conversation")

# Sign-in and keys
SIGN_IN_LOCKED = _action("sign_in_locked", "Was locked out after failed attempts")
SIGN_IN_UNLOCKED = _action("sign_in_unlocked", "Unlocked somebody's sign-in")
RATE_LIMITED = _action("rate_limited", "Sent too many requests")
PASSWORD_RESET_ASKED = _action("password_reset_asked", "Asked for a new password")
SECOND_FACTOR_ADDED = _action("second_factor_added", "Added a second factor")
SECOND_FACTOR_REMOVED = _action("second_factor_removed", "Removed a second factor")
SECOND_FACTOR_RESET = _action("second_factor_reset", "Reset somebody's second factors")
SECOND_FACTOR_FAILED = _action("second_factor_failed", "Failed the second factor")
RECOVERY_CODES_MADE = _action("recovery_codes_made", "Made new recovery codes")
RECOVERY_CODE_USED = _action("recovery_code_used", "Signed in with a recovery code")
SSO_APPLIED = _action("sso_applied", "Got roles from single sign-on")
SSO_REFUSED = _action("sso_refused", "Was refused at single sign-on")
SIGN_IN_RULE_CHANGED = _action("sign_in_rule_changed", "Changed a rule of single sign-on")
SESSION_ENDED = _action("session_ended", "Ended a session")
SESSIONS_ENDED = _action("sessions_ended", "Ended all sessions of a person")
API_KEY_CREATED = _action("api_key_created", "Made an API key")
API_KEY_REVOKED = _action("api_key_revoked", "Revoked an API key")
API_KEY_USED = _action("api_key_used", "Used an API key")
API_KEY_REFUSED = _action("api_key_refused", "Was refused with an API key")
# People and workspaces
PERSON_CREATED = _action("person_created", "Created an account")
PERSON_CHANGED = _action("person_changed", "Changed an account")
PERSON_DELETED = _action("person_deleted", "Deleted an account")
PERSON_DISABLED = _action("person_disabled", "Disabled an account")
PERSON_ENABLED = _action("person_enabled", "Enabled an account")
INVITATION_SENT = _action("invitation_sent", "Invited somebody")
INVITATION_REVOKED = _action("invitation_revoked", "Took back an invitation")
INVITATION_ACCEPTED = _action("invitation_accepted", "Accepted an invitation")
MEMBER_ADDED = _action("member_added", "Added somebody to a workspace")
MEMBER_REMOVED = _action("member_removed", "Removed somebody from a workspace")
ROLE_CHANGED = _action("role_changed", "Changed a role")
GROUP_CHANGED = _action("group_changed", "Changed a group")
GRANT_ADDED = _action("grant_added", "Shared something")
GRANT_REMOVED = _action("grant_removed", "Stopped sharing something")
WORKSPACE_CREATED = _action("workspace_created", "Created a workspace")
WORKSPACE_CHANGED = _action("workspace_changed", "Changed a workspace's settings")
WORKSPACE_SWITCHED = _action("workspace_switched", "Switched the workspace")
QUOTA_EXCEEDED = _action("quota_exceeded", "Was refused by a quota")
BREAK_GLASS_OPENED = _action("break_glass_opened", "Opened somebody's conversations")
BREAK_GLASS_READ = _action("break_glass_read", "Read somebody's conversation")
BREAK_GLASS_ENDED = _action("break_glass_ended", "Closed somebody's conversations")
# Content
DOCUMENT_DOWNLOADED = _action("document_downloaded", "Downloaded a document")
DOCUMENT_CANCELLED = _action("document_cancelled", "Cancelled reading a document")
COLLECTION_CREATED = _action("collection_created", "Created a collection")
COLLECTION_CHANGED = _action("collection_changed", "Changed a collection")
COLLECTION_DELETED = _action("collection_deleted", "Deleted a collection")
REPLY_WRITTEN = _action("reply_written", "Got a reply from documents")
# Administration
MODEL_CHANGED = _action("model_changed", "Changed a model")
SETTINGS_CHANGED = _action("settings_changed", "Changed a setting")
ADMIN_READ = _action("admin_read", "Looked at something as an administrator")
AUDIT_READ = _action("audit_read", "Looked into the audit log")
AUDIT_EXPORTED = _action("audit_exported", "Exported the audit log")
AUDIT_TRIMMED = _action("audit_trimmed", "Deleted old audit events")
