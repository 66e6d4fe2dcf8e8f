"""What the dialog of sharing shows, whatever is shared."""

from typing import Any

from apps.accounts.models import User
from apps.accounts.permissions import grants_on
from apps.accounts.selectors.groups import grantees_matching


def share_context(*, user: User, target: Any, query: str, address: str) -> dict[str, Any]:
    """Whom the object is shared with, and whom of its workspace it could be. Five queries; authorise before.

    `target`: a row in a `workspace`. `address`: where the dialog is, and where its forms go.
    """
    grants = grants_on(target=target)
    taken = {grantee.id for grantee in grants}
    found = grantees_matching(user=user, workspace_id=target.workspace_id, text=query, leave_out=taken)
    return {"grants": grants, "found": found, "share_query": query, "share_address": address}
