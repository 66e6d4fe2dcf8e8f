"""News from documents for the apps above."""

from django.dispatch import Signal

# A version's text is read and its sections stand. Sent on commit with `version_id`, and sent again until the version
# is indexed; receivers only enqueue.
document_parsed = Signal()
