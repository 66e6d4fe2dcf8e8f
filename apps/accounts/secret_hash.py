"""How secrets that the server made are kept: keys of sessions, refresh tokens, API keys, the tokens of links."""

import hashlib


def secret_hash(secret: str) -> str:
    """SHA-256, in hex. Enough for what is long and random; passwords take a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
