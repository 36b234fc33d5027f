"""The time, as results write it."""

from __future__ import annotations

import datetime


def now() -> str:
    """Return the time in UTC, like 2026-01-31T12:00:00+00:00."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
