"""Figures of searches, as people read them."""

from django import template

register = template.Library()


@register.filter
def score(value: float) -> str:
    """Two or three figures that count."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


@register.filter
def share(value: float) -> str:
    return f"{value:.0%}"


@register.filter
def milliseconds(value: float) -> str:
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"
