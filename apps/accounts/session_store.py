"""The engine of browser sessions (SESSION_ENGINE): rows that know whose they are and when they were used.

So the list of somebody's sessions is one query, their end is the end of a row, and neither takes a table or a query
beside. Reading a session notes its use, at most once a minute.
"""

from typing import Any
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone
from typing_extensions import override

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.models import BrowserSession
from apps.accounts.selectors.sessions import MARK_LENGTH, session_key_hash, sessions_alive, sessions_dead
from apps.accounts.sign_in_use import USE_NOTED_EVERY, use_fields


class SessionStore(SessionBase):
    """Django asks for this name."""

    _user_id: UUID | None = None

    @override
    def load(self) -> dict[str, Any]:
        row = None
        if self.session_key:
            row = sessions_alive().filter(key_hash=session_key_hash(self.session_key)).first()
        if row is None:
            # A key that is not ours is never taken over.
            self._session_key = None
            return {}
        self._user_id = row.user_id
        _use_note(row)
        return dict(self.decode(row.data))

    @override
    def exists(self, session_key: str) -> bool:
        return BrowserSession.objects.filter(key_hash=session_key_hash(session_key)).exists()

    @override
    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # the stubs lack it
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    @override
    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError where the session has ended meanwhile: saving does not bring it back."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # the stubs lack it
        fields = self._fields(data)
        key_hash = session_key_hash(self.session_key)
        try:
            with transaction.atomic():
                if must_create:
                    BrowserSession.objects.create(key_hash=key_hash, **use_fields(), **fields)
                elif not BrowserSession.objects.filter(key_hash=key_hash).update(**fields):
                    raise UpdateError
        except IntegrityError as error:
            # The key is taken, or else the account was deleted meanwhile.
            raise (CreateError if must_create and self.exists(self.session_key) else UpdateError) from error

    @override
    def delete(self, session_key: str | None = None) -> None:
        session_key = session_key or self.session_key
        if session_key is None:
            return
        BrowserSession.objects.filter(key_hash=session_key_hash(session_key)).delete()
        if self._user_id:
            access_ended_announce(user_id=self._user_id)

    @classmethod
    @override
    def clear_expired(cls) -> None:
        sessions_dead().delete()

    def _fields(self, data: dict[str, Any]) -> dict[str, Any]:
        self._user_id = UUID(data[SESSION_KEY]) if SESSION_KEY in data else None
        return {
            "data": self.encode(data),
            "user_id": self._user_id,
            "password_mark": data.get(HASH_SESSION_KEY, "")[:MARK_LENGTH],
            "expires_at": self.get_expiry_date(expiry=data.get("_session_expiry")),
        }


def _use_note(row: BrowserSession) -> None:
    now = timezone.now()
    if now - row.last_used_at >= USE_NOTED_EVERY:
        BrowserSession.objects.filter(pk=row.pk).update(last_used_at=now, **use_fields())
