"""What allauth asks about second factors, and which stages a sign-in of its pages goes through."""

from allauth.mfa.adapter import DefaultMFAAdapter
from typing_extensions import override

from apps.accounts.second_factor.cipher import secret_decrypt, secret_encrypt


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Whatever allauth itself keeps of second factors is encrypted too."""

    @override
    def encrypt(self, text: str) -> str:
        return secret_encrypt(text)

    @override
    def decrypt(self, encrypted_text: str) -> str:
        return secret_decrypt(encrypted_text) or ""
