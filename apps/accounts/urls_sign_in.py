"""Pages of sign-in under /accounts/: those of allauth that this product uses, and no others."""

from allauth.account import views as account
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from apps.accounts.views import passwords, registration, sso

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path(
        "reauthenticate/",
        RedirectView.as_view(pattern_name="accounts:step-up", query_string=True),
        name="account_reauthenticate",
    ),
    path("signup/", registration.register, name="account_signup"),
    path("password/change/", passwords.change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", include("apps.accounts.second_factor.urls")),
    path("sso/oidc/", sso.oidc_login, name="oidc-login"),
    path("sso/oidc/callback/", sso.oidc_callback, name="oidc-callback"),
    path("sso/saml/", sso.saml_login, name="saml-login"),
    path("sso/saml/acs/", sso.saml_acs, name="saml-acs"),
    path("sso/saml/finish/", sso.saml_finish, name="saml-finish"),
    path("sso/saml/metadata/", sso.saml_own_metadata, name="saml-metadata"),
]
