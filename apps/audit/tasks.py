"""What the audit log needs once a day, and the stream of events every few seconds."""

from celery import shared_task

from apps.audit import heads, partitions, retention, streaming
from apps.audit.exceptions import DeliveryError


@shared_task(ignore_result=True)
def partitions_ensure() -> None:
    """Make the months to come ready, so that no event falls into the default partition."""
    partitions.partitions_ensure()


@shared_task(ignore_result=True)
def heads_sign() -> None:
    """Sign the end of every chain."""
    heads.heads_sign()


@shared_task(ignore_result=True)
def events_retain() -> None:
    """Delete what is older than the retention, if one is set."""
    retention.events_retain()


# Shorter than the pool's patience with a worker's slot; the next run goes on where this one ends.
_STREAM_SECONDS = 20.0


@shared_task(ignore_result=True, throws=(DeliveryError,))
def events_stream() -> None:
    """Send what is new to the receiver outside, if one is set."""
    outlet = streaming.outlet_configured()
    if outlet is not None:
        streaming.stream_run(outlet=outlet, seconds=_STREAM_SECONDS)
