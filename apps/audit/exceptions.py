"""What can be wrong with the audit log."""

from chatbot.lib.errors import AppError


class HeadsDamagedError(AppError):
    code = "audit_heads_damaged"
    status = 500
    title = "The record of signed heads cannot be read."


class DeliveryError(AppError):
    code = "audit_not_delivered"
    status = 503
    title = "The receiver of the audit stream has not taken the events."
