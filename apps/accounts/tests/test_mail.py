"""Where mails go, and what stops the start."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.accounts import tasks
from chatbot.checks import mail_can_be_sent
from chatbot.settings.mail import mail_from_url


@pytest.mark.parametrize(
    ("address", "host", "port", "user", "password", "ssl", "tls"),
    [
        ("smtp://me:p%40ss@mail.example.org:2525?tls=starttls", "mail.example.org", 2525, "me", "p@ss", False, True),
        ("smtp://mail.example.org", "mail.example.org", 587, "", "", False, True),
        ("smtp://localhost:25?tls=none", "localhost", 25, "", "", False, False),
        ("smtps://me:pw@mail.example.org", "mail.example.org", 465, "me", "pw", True, False),
    ],
)
def test_a_mail_server_by_one_address(address, host, port, user, password, ssl, tls):
    found = mail_from_url(address)
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == (user, password)
    assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (ssl, tls)
    assert found["EMAIL_TIMEOUT"] > 0


def test_the_log_and_a_folder_take_mails_too():
    assert mail_from_url("console:")["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert mail_from_url("file:///var/mails")["EMAIL_FILE_PATH"] == "/var/mails"


@pytest.mark.parametrize("address", ["http://x", "smtp://", "smtp://h?tls=maybe", "smtp://h:port", "mail.example:25"])
def test_nonsense_is_refused_with_the_variable_named(address):
    with pytest.raises(ImproperlyConfigured, match="CHATBOT_MAIL_URL"):
        mail_from_url(address)


def test_what_stops_the_start(settings, tmp_path):
    assert mail_can_be_sent() == []
    settings.DEFAULT_FROM_EMAIL = "Chatbot"
    assert [problem.id for problem in mail_can_be_sent()] == ["chatbot.E010"]
    settings.DEFAULT_FROM_EMAIL = "Chatbot <chatbot@localhost>"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert [problem.id for problem in mail_can_be_sent()] == ["chatbot.E011"]
    settings.DEFAULT_FROM_EMAIL = "Chatbot <chatbot@example.org>"
    settings.EMAIL_FILE_PATH = str(tmp_path / "none")
    assert [problem.id for problem in mail_can_be_sent()] == ["chatbot.E012"]


def test_a_server_that_does_not_take_it_is_tried_again(settings):
    """Nobody listens at port 1; Celery's Retry says that the task comes again."""
    from celery.exceptions import Retry

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(Retry):
        tasks.mail_send.apply(args=("ada@example.org", "A", "B"), throw=True).get()


def test_a_mail_is_sent_as_text_and_html(mailoutbox):
    tasks.mail_send("ada@example.org", "Subject", "Text", "<p>Text</p>")
    message = mailoutbox[0]
    assert (message.subject, message.body, message.to) == ("Subject", "Text", ["ada@example.org"])
    assert message.alternatives[0] == ("<p>Text</p>", "text/html")
