"""Two at once: questions, and the database's answer to them."""

import threading

import pytest
from django.db import connection, connections, transaction

from apps.conversations.exceptions import ConversationChangedError
from apps.conversations.services import message_send
from apps.conversations.tests.factories import reply_make
from apps.conversations.tests.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


_WAITING_SQL = """
SELECT count(*) FROM pg_locks waiting JOIN pg_locks held USING (transactionid)
WHERE NOT waiting.granted AND held.granted AND held.pid = pg_backend_pid()
"""


def _is_somebody_waiting() -> bool:
    """Whether another connection waits for this one's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING_SQL)
        return bool(cursor.fetchone()[0])


def test_question_that_came_second_is_refused(ada, conversation):
    reply_make(conversation, state="complete", content="Because.")
    errors: list[Exception] = []

    def ask_too() -> None:
        try:
            message_send(actor=ada, conversation_id=conversation.pk, content="Me too?")
        except ConversationChangedError as error:
            errors.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        message_send(actor=ada, conversation_id=conversation.pk, content="Why?")
        second = threading.Thread(target=ask_too)
        second.start()
        wait_until(_is_somebody_waiting)
    second.join()
    assert len(errors) == 1
    assert conversation.messages.count() == 4
