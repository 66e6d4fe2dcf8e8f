"""Shape of asking for a look into another's conversations."""

from django import forms

from apps.accounts.services.break_glass import REASON_MAXIMUM


class BreakGlassForm(forms.Form):
    reason = forms.CharField(
        label="Why must you read them?",
        max_length=REASON_MAXIMUM,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The person is told at once, with your name and these words.",
    )
