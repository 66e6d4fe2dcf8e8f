"""Shape of what people enter in a conversation."""

from uuid import UUID

from django import forms


class QuestionForm(forms.Form):
    """The box for questions, with the options beside it."""

    content = forms.CharField(max_length=200_000, strip=False, error_messages={"required": "Write a question first."})
    model = forms.UUIDField(required=False, error_messages={"invalid": "Choose a model from the list."})
    use_documents = forms.BooleanField(required=False)

    def clean_content(self) -> str:
        content: str = self.cleaned_data["content"]
        if not content.strip():
            raise forms.ValidationError("Write a question first.")
        # Browsers send line breaks as CR LF.
        return content.replace("\r\n", "\n").strip("\n")


class QuestionEditForm(QuestionForm):
    """A question in place of another; the options stay."""

    model = None  # type: ignore[assignment]  # Django's way to drop an inherited field
    use_documents = None  # type: ignore[assignment]


class RenameForm(forms.Form):
    title = forms.CharField(max_length=200, error_messages={"required": "Give it a title."})


class BranchForm(forms.Form):
    message = forms.UUIDField()


class PageForm(forms.Form):
    """Which passage a picture of a page marks."""

    chunk = forms.UUIDField(required=False)


class CitationPageForm(forms.Form):
    """Which page of a cited passage is shown."""

    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)


class FeedbackForm(forms.Form):
    """What a person thinks of a reply. Without a rating they take it back."""

    rating = forms.TypedChoiceField(
        choices=[("1", "Good"), ("-1", "Bad"), ("0", "None")], coerce=int, error_messages={"required": "Choose one."}
    )
    reason = forms.CharField(required=False, max_length=1000, strip=True)


class DocumentsForm(forms.Form):
    """Keys of documents, parted by commas; what is none is left out."""

    ids = forms.CharField(required=False, max_length=10_000)

    def clean_ids(self) -> list[UUID]:
        found = (key_read(part) for part in self.cleaned_data["ids"].split(","))
        return [key for key in found if key is not None]


def key_read(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
