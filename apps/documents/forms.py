"""Shape of what people upload and look for."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from typing_extensions import override

from apps.documents.models import Collection
from apps.documents.tagging import TAG_LENGTH, TAGS_MAXIMUM, tags_clean
from chatbot.lib.errors import ValidationFailedError

# A browser sends files one by one; without a script a person picks a handful.
FILES_MAXIMUM = 20


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or more files. Empty ones pass: they end in state failed, with a sentence that says so."""

    widget = FilesInput

    @override
    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        files = data or [None]
        if len(files) > FILES_MAXIMUM:
            raise forms.ValidationError(f"At most {FILES_MAXIMUM} files at once.")
        return [super(FilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    files: FilesField = FilesField(allow_empty_file=True, error_messages={"required": "Choose a file first."})  # type: ignore[assignment]


class PlaceForm(forms.Form):
    """Where a list or an upload is: a collection, or a workspace other than the current one."""

    collection = forms.UUIDField(required=False)
    workspace = forms.UUIDField(required=False)


class CollectionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Collection
        fields = ("name", "classification")
        help_texts: ClassVar[dict[str, str]] = {
            "classification": "How carefully its documents must be treated.",
        }


class VisibilityForm(forms.Form):
    visibility = forms.ChoiceField(choices=Collection.Visibility.choices)


class MoveForm(forms.Form):
    """Which collection a document goes into; empty for none."""

    collection = forms.ModelChoiceField(
        queryset=Collection.objects.none(), required=False, empty_label="No collection: only its owner sees it"
    )

    def __init__(self, *args: Any, collections: QuerySet[Collection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["collection"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = collections


class TagsForm(forms.Form):
    tags = forms.CharField(
        required=False,
        max_length=TAGS_MAXIMUM * (TAG_LENGTH + 2),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "contracts, 2024"}),
        help_text="Separate them by commas. Find tagged documents here, or in a question with tag:contracts.",
    )

    def clean_tags(self) -> list[str]:
        try:
            return tags_clean(self.cleaned_data["tags"].split(","))
        except ValidationFailedError as error:
            raise forms.ValidationError(list(error.errors.values())) from error


class WatchForm(forms.Form):
    """Keys of documents, separated by commas."""

    ids = forms.CharField(max_length=8000, required=False)

    def clean_ids(self) -> list[UUID]:
        try:
            return [UUID(key) for key in self.cleaned_data["ids"].split(",") if key]
        except ValueError as error:
            raise forms.ValidationError("Not keys of documents.") from error
