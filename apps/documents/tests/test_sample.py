"""The sample handbook."""

import pytest

from apps.documents.models import Collection, Document
from apps.documents.selectors import documents_visible_to
from apps.documents.services import SAMPLE_FILENAME, document_delete, sample_load
from apps.documents.tests.factories import parsed

pytestmark = pytest.mark.django_db


def test_the_whole_workspace_and_nobody_else_reads_it(workspace, ada, vera, cleo):
    sample_load(workspace=workspace)
    for user, count in ((ada, 1), (vera, 1), (cleo, 0)):
        assert documents_visible_to(user=user).filter(filename=SAMPLE_FILENAME).count() == count


def test_it_is_loaded_once_and_stays_deleted(workspace, ada):
    sample_load(workspace=workspace)
    sample_load(workspace=workspace)
    assert Document.objects.count() == Collection.objects.count() == 1
    ada.memberships.update(role="admin")
    document_delete(actor=ada, document_id=Document.objects.get().pk)
    sample_load(workspace=workspace)
    assert not Document.objects.exists()


def test_it_is_made_from_its_source(tmp_path, monkeypatch):
    from apps.documents.sample import make

    committed = (make._FOLDER / "handbook.pdf").read_bytes()
    assert len(committed) < 60_000
    (tmp_path / "handbook.md").write_bytes((make._FOLDER / "handbook.md").read_bytes())
    monkeypatch.setattr(make, "_FOLDER", tmp_path)
    make.main()
    assert (tmp_path / "handbook.pdf").read_bytes() == committed


def test_its_facts_stand_on_their_pages(workspace):
    sample_load(workspace=workspace)
    version = parsed(Document.objects.get())
    page_of = {
        fact: version.sections.get(text__contains=fact).page
        for fact in ("28 days of paid holiday", "20 weeks", "Hotel, one night | 140 euros", "extension 4747")
    }
    assert list(page_of.values()) == [2, 2, 4, 5]
