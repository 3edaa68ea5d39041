"""RFC 3339 times."""

from __future__ import annotations

from datetime import UTC, datetime


def to_rfc3339(seconds: float) -> str:
    """Formats seconds since the epoch in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> float:
    """Seconds since the epoch. Raises ValueError for anything but a date-time with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(
            f"{text!r} is not an RFC 3339 time with an offset, like 2026-01-31T12:00:00Z"
        )
    return moment.timestamp()
