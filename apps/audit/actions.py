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
