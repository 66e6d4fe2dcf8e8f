"""The people of the journeys. Each journey has its own, so that none meets what another left behind."""

from collections.abc import Mapping

from chatbot.tests.e2e.stack import PASSWORD

# Ada's workspace, which every installation begins with.
HOME = ""
VAULT = "Vault"
ANNEX = "Annex"

# Name → role by workspace. The address is the name in lower case at example.org.
CAST: Mapping[str, Mapping[str, str]] = {
    "Tess": {HOME: "user"},
    "Rita": {HOME: "user"},
    "Pia": {HOME: "user"},
    "Lou": {HOME: "user"},
    "Mona": {HOME: "user"},
    "Sven": {HOME: "user"},
    "Wanda": {VAULT: "admin"},
    "Ursula": {VAULT: "user"},
    "Wim": {HOME: "user", ANNEX: "user"},
    "Dora": {HOME: "user"},
    "Ben": {HOME: "user"},
    "Olga": {HOME: "user"},
    "Anna": {HOME: "admin"},
    "Alma": {HOME: "admin"},
    "Axel": {HOME: "user"},
    "Stella": {HOME: "user"},
}
SUPER_ADMINS = {"Alma"}


def email_of(name: str) -> str:
    return f"{name.lower()}@example.org"


def cast_make() -> None:
    """Write them into the database of the process that runs this, all with PASSWORD."""
    from django.contrib.auth.hashers import make_password

    from apps.accounts.models import Membership, User, Workspace

    places = {HOME: Workspace.objects.earliest("created_at")}
    for name in (VAULT, ANNEX):
        places[name] = Workspace.objects.create(name=name, slug=name.lower())
    # Made to be slow, so once for all.
    password = make_password(PASSWORD)
    for name, roles in CAST.items():
        rank = dict.fromkeys(("is_super_admin", "is_staff", "is_superuser"), name in SUPER_ADMINS)
        user = User.objects.create(email=email_of(name), name=name, password=password, **rank)
        for place, role in roles.items():
            Membership.objects.create(user=user, workspace=places[place], role=role)
