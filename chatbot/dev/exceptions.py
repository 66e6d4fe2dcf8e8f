class DevError(Exception):
    """Something the operator can mend; the message is one sentence that says how."""
