"""What people say about themselves."""

from django import forms


class ProfileForm(forms.Form):
    name = forms.CharField(
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="What the others see. Without one they see your e-mail address.",
    )
