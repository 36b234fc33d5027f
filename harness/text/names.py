"""A short list of names for a sentence."""

from __future__ import annotations

from collections.abc import Iterable

NAMES_SHOWN = 3


def first_names(names: Iterable[str], shown: int = NAMES_SHOWN) -> str:
    """Return the first of the names, with commas, and how many more there are."""
    listed = list(names)
    more = len(listed) - shown
    return ", ".join(listed[:shown]) + (f" and {more} more" if more > 0 else "")
