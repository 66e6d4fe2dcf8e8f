"""Hashes that come from elsewhere and are replaced at the next sign-in."""

import bcrypt
from django.contrib.auth.hashers import BCryptPasswordHasher
from typing_extensions import override

# bcrypt looks at no more; its library used to cut silently and now refuses longer ones.
_BCRYPT_BYTES = 72


class ImportedBCryptHasher(BCryptPasswordHasher):
    """Plain bcrypt as other products store it: `$2b$…` is imported as `bcrypt$$2b$…`. Not for new passwords."""

    @override
    def encode(self, password: str, salt: str | bytes) -> str:
        salt = salt.encode() if isinstance(salt, str) else salt
        hashed = bcrypt.hashpw(password.encode()[:_BCRYPT_BYTES], salt)
        return f"{self.algorithm}${hashed.decode('ascii')}"

    @override
    def verify(self, password: str, encoded: str) -> bool:
        try:
            return super().verify(password, encoded)
        except ValueError:
            # A hash that was spoiled on the way here fits no password.
            return False
