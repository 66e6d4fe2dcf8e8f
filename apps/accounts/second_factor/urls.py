"""Addresses of the second factor at sign-in."""

from django.urls import path
from django.views.generic import RedirectView

from apps.accounts.second_factor import views_sign_in

urlpatterns = [
    # allauth leads to these by name.
    path("authenticate/", views_sign_in.authenticate, name="mfa_authenticate"),
    path("", RedirectView.as_view(pattern_name="accounts:security"), name="mfa_index"),
    path("passkey/", views_sign_in.passkey_sign_in, name="passkey_sign_in"),
]
