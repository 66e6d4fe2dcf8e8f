"""Mails: templates under `templates/emails/`, sent by a worker.

The first line of `<name>.txt` is the subject, the rest the text; `<name>.html` says the same with our look.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template.loader import render_to_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str = ""


def mail_render(*, name: str, to: str, context: Mapping[str, object]) -> Mail:
    subject, _, text = render_to_string(f"emails/{name}.txt", dict(context)).strip().partition("\n")
    # Names of people and workspaces stand in subjects; a line break there would be another header.
    subject = " ".join(subject.split())
    html = render_to_string(f"emails/{name}.html", {**context, "subject": subject})
    return Mail(to=to, subject=subject, text=f"{text.strip()}\n", html=html)


def mail_deliver(mail: Mail) -> None:
    """Hand a mail to the mail server. Raises OSError (SMTP errors are) if it does not take it."""
    message = EmailMultiAlternatives(mail.subject, mail.text, settings.DEFAULT_FROM_EMAIL, [mail.to])
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    message.send()


def public_base(request: HttpRequest) -> str:
    """Where links in mails lead: CHATBOT_PUBLIC_URL, else the host of the request, which Django has checked."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
