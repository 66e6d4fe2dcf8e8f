"""Passwords, lockout, registration, invitations."""
