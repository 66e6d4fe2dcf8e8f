"""Shape of what people upload and look for."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from typing_extensions import override

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


class WatchForm(forms.Form):
    """Keys of documents, separated by commas."""

    ids = forms.CharField(max_length=8000, required=False)

    def clean_ids(self) -> list[UUID]:
        try:
            return [UUID(key) for key in self.cleaned_data["ids"].split(",") if key]
        except ValueError as error:
            raise forms.ValidationError("Not keys of documents.") from error
