"""Mails and tidying. A mail server that is away is tried again for about an hour; no secret waits in the broker."""

from uuid import UUID

from celery import shared_task

# SMTP's errors are OSErrors too. Tried again after 10, 20, 40 … seconds, at most ten minutes apart.
_TRIES = 10
_FIRST_SECONDS = 10
_LONGEST_SECONDS = 600


@shared_task(
    autoretry_for=(OSError,), max_retries=_TRIES, retry_backoff=_FIRST_SECONDS, retry_backoff_max=_LONGEST_SECONDS
)
def mail_send(to: str, subject: str, text: str, html: str = "") -> None:
    """Send a mail that is written already."""
    from apps.accounts.mail import Mail, mail_deliver

    mail_deliver(Mail(to=to, subject=subject, text=text, html=html))


@shared_task(
    autoretry_for=(OSError,), max_retries=_TRIES, retry_backoff=_FIRST_SECONDS, retry_backoff_max=_LONGEST_SECONDS
)
def password_reset_mail(email: str, base_url: str) -> None:
    """Mail a link to whoever has the address; for an address that nobody has, nothing."""
    from apps.accounts.services.passwords import password_reset_mail_send

    password_reset_mail_send(email=email, base_url=base_url)


@shared_task(
    autoretry_for=(OSError,), max_retries=_TRIES, retry_backoff=_FIRST_SECONDS, retry_backoff_max=_LONGEST_SECONDS
)
def password_changed_mail(user_id: str) -> None:
    from apps.accounts.services.passwords import password_changed_mail_send

    password_changed_mail_send(user_id=UUID(user_id))


@shared_task(
    autoretry_for=(OSError,), max_retries=_TRIES, retry_backoff=_FIRST_SECONDS, retry_backoff_max=_LONGEST_SECONDS
)
def registration_mail(email: str, token: str, base_url: str) -> None:
    from apps.accounts.services.registration import registration_mail_send

    registration_mail_send(email=email, token=token, base_url=base_url)


@shared_task(
    autoretry_for=(OSError,), max_retries=_TRIES, retry_backoff=_FIRST_SECONDS, retry_backoff_max=_LONGEST_SECONDS
)
def invitation_mail(invitation_id: str, base_url: str) -> None:
    from apps.accounts.services.invitations import invitation_mail_send

    invitation_mail_send(invitation_id=UUID(invitation_id), base_url=base_url)


@shared_task
def accounts_tidy() -> None:
    """Delete what lets nobody in any more."""
    from apps.accounts.services.tidying import expired_delete

    expired_delete()
