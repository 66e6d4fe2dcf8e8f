"""Hostile names where they come out again: mails, exports, Django admin, downloads, log lines."""

import csv
import io
import json
import logging
import logging.config
import re

import pytest
from django.core import mail
from django.test import Client
from django.utils.html import escape

from apps.accounts.models import Group, Invitation
from apps.accounts.services.invitations import invitation_mail_send, invitation_send
from apps.audit import actions
from apps.audit.export import csv_lines, jsonl_lines, rows_of
from apps.audit.models import Event
from apps.audit.services import event_record
from apps.conversations.tests.factories import conversation_make
from apps.documents.models import Document
from apps.documents.tests.factories import upload
from chatbot.settings import LOGGING
from chatbot.testing.hostile.flaws import answer_flaws, body_of
from chatbot.testing.hostile.payloads import MARKUP, PAYLOADS, REDIRECT
from chatbot.testing.hostile.sending import step_send
from chatbot.testing.hostile.types import HOSTILE, Step
from chatbot.tests.api import Api

# What a name can be once it is stored.
NAMES = [
    payload.text[:100]
    for payload in PAYLOADS
    if payload.kind != REDIRECT and not {"\0", "\ud800"} & set(payload.text) and payload.text.strip()
]
MARKUPS = [payload.text for payload in PAYLOADS if payload.kind == MARKUP]

pytestmark = pytest.mark.django_db


def named(thing, **fields):
    """Past every form: what is in the database already, by whatever way."""
    type(thing)._base_manager.filter(pk=thing.pk).update(**fields)
    thing.refresh_from_db()
    return thing


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:30]))
def test_names_in_invitations_are_text(admin_anna, workspace, name):
    named(admin_anna, name=name)
    named(workspace, name=name)
    sent = invitation_send(
        actor=admin_anna, workspace=workspace, email="new@example.org", role="user", base_url="http://testserver"
    )
    invitation_mail_send(invitation_id=sent.invitation.pk, base_url="http://testserver")
    message = mail.outbox[0]
    assert message.recipients() == ["new@example.org"]
    raw = message.message().as_bytes()
    heads = re.findall(rb"^([A-Za-z-]+):", raw.partition(b"\n\n")[0], re.M)
    assert set(heads) == {b"Content-Type", b"MIME-Version", b"Subject", b"From", b"To", b"Date", b"Message-ID"}
    page = str(message.alternatives[0][0])
    assert not re.search(r"<(script|img|svg|a href=//)", page.lower())
    assert {link.partition("?")[0] for link in re.findall(r'href="([^"]*)"', page)} == {sent.link}
    assert f"<p>{escape(name)} invites you to the workspace <b>{escape(name)}</b>.</p>" in page
    # The link is drawn by lot and the time goes on, so either may hold the number too.
    rest = re.sub(r'href="[^"]*"|until [^<]* UTC', "", page)
    assert "49" not in rest or "7*7" not in name


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_exports_hold_labels_as_cells_and_nothing_else(admin_anna, workspace, file_format):
    for name in NAMES:
        event_record(
            action=actions.WORKSPACE_CHANGED,
            actor=None,
            actor_label=name,
            workspace_id=workspace.pk,
            target=named(workspace, name=name),
            data={"name": name},
        )
    events = Event.objects.filter(action=actions.WORKSPACE_CHANGED).order_by("pk")
    rows = rows_of(events.iterator())
    if file_format == "jsonl":
        found = [json.loads(line) for line in "".join(jsonl_lines(rows)).split("\n") if line]
        assert [row["actor_label"] for row in found] == NAMES
        return
    text = "".join(csv_lines(rows))
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["actor_label"].removeprefix("'") for row in table] == [name.removeprefix("'") for name in NAMES]
    cells = [cell for row in table for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


@pytest.fixture
def named_things(ada, admin_anna, workspace):
    """One of everything that Django admin lists, by a hostile name."""

    def make(name):
        named(ada, name=name)
        named(workspace, name=name)
        Group.objects.create(name=name, title=name, workspace=workspace)
        named(conversation_make(ada), title=name)
        named(upload(ada, b"Noon.", "a.txt"), filename=name)
        invitation_send(
            actor=admin_anna, workspace=workspace, email="new@example.org", role="user", base_url="http://testserver"
        )
        named(Invitation.objects.get(), email=name)
        event_record(
            action=actions.WORKSPACE_CHANGED, actor=None, actor_label=name, workspace_id=workspace.pk, target=workspace
        )

    return make


@pytest.mark.parametrize("name", MARKUPS)
def test_admin_pages_show_names_as_text(client_root, named_things, ada, workspace, name):
    named_things(name)
    pages = ["accounts/user", "accounts/workspace", "accounts/group", "accounts/invitation", "accounts/membership"]
    pages += ["audit/event", "documents/document", "conversations/conversation"]
    pages += [f"accounts/user/{ada.pk}/{part}" for part in ("change", "history", "delete")]
    pages += [f"accounts/workspace/{workspace.pk}/{part}" for part in ("change", "history", "delete")]
    shown = 0
    for page in pages:
        answer = client_root.get(f"/admin/{page}/")
        assert answer.status_code in {200, 403}, page
        assert answer_flaws(answer, text=name) == [], page
        shown += "&lt;" in body_of(answer) or "&#x27;" in body_of(answer) or "&quot;" in body_of(answer)
    assert shown >= 5


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:30]))
def test_a_download_has_one_plain_disposition(client_ada, ada, name):
    document = named(upload(ada, b"Noon.", "a.txt"), filename=name)
    for address in (f"/documents/{document.pk}/content/", f"/api/v1/documents/{document.pk}/content"):
        answer = client_ada.get(address)
        assert answer_flaws(answer, text=name) == []
        given = answer["Content-Disposition"]
        # A quoted name without anything that ends it, or one that is escaped.
        assert re.fullmatch(
            r"""attachment; filename(="([^"\\\r\n]|\\["\\])*"|\*=utf-8''[\w.%!#$&+^`|~'()*/-]+)""", given
        ), given
        assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:30]))
def test_an_uploaded_name_has_no_path(client_ada, name):
    answer = step_send(client_ada, Step(path="/documents/", filename=f"{HOSTILE}.txt"), name, {})
    documents = list(Document.objects.all())
    assert bool(documents) == (answer.status_code == 302)
    # A line break ends the head in which the name stands: there is no file then.
    assert documents or "\n" in name or "\r" in name
    for document in documents:
        assert not set("/\\\0\r\n") & set(document.filename), ascii(document.filename)
        for version in document.versions.all():
            assert ".." not in str(version.file.name)
            assert re.fullmatch(r"[\w./-]+", str(version.file.name))


@pytest.fixture
def log_lines(monkeypatch):
    """What the product's own handler writes."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    line = LOGGING["formatters"]["line"]
    configured = logging.config.DictConfigurator({**LOGGING, "version": 1})
    handler.setFormatter(configured.configure_formatter(dict(line)))
    handler.addFilter(configured.configure_filter(dict(LOGGING["filters"]["request_id"])))
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield lambda: out.getvalue().splitlines()
    root.setLevel(level)
    root.removeHandler(handler)


GENUINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [A-Z]+ [\w.]+ \[[\w.-]+\] |    ")


def test_no_text_forges_a_log_line(log_lines, ada):
    client = Client(raise_request_exception=False)
    for payload in PAYLOADS:
        text = payload.text.encode("utf-8", "replace").decode()
        client.post("/accounts/login/", {"login": text, "password": text}, headers={"User-Agent": "x"})
        Api(client)("post", "/auth/login", {"email": text, "password": text})
    forged = "x\n2026-01-01T00:00:00+0000 WARNING forged.logger [-] nobody wrote this"
    client.get("/", PATH_INFO=f"/invitations/{forged}/")
    client.get("/", PATH_INFO=f"/{forged}")
    client.get("/", headers={"Host": forged})
    logging.getLogger("apps.any").warning("%s", forged)
    try:
        raise ValueError(forged)
    except ValueError:
        logging.getLogger("apps.any").exception("It failed for %s", forged)
    lines = log_lines()
    assert len(lines) > 5
    assert [line for line in lines if not GENUINE.match(line)] == []
    assert [line for line in lines if " forged.logger " in line and line.startswith("2026-01-01")] == []


def test_log_lines_hold_no_terminal_commands(log_lines):
    logging.getLogger("apps.any").warning("%s", "\x1b[31mred\x1b[0m\x07 \u202eturned\u2028x\x85y")
    (line,) = log_lines()
    assert line.endswith(r"] \x1b[31mred\x1b[0m\x07 \u202eturned\u2028x\x85y")
