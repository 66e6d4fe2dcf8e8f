"""Shape of what people enter in a conversation."""

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
