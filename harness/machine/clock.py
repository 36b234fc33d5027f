"""What time it is, as results write it."""

from __future__ import annotations

import datetime


def now() -> str:
    """Like 2026-01-31T12:00:00+00:00; UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
