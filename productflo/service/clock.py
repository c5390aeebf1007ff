"""The time, as it is passed in."""

from collections.abc import Callable
from datetime import UTC, datetime

from productflo.protocol.timestamps import format_time

Clock = Callable[[], datetime]
"""Gives the present moment, with its zone."""


def system_clock() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


def stamp(clock: Clock) -> str:
    """The present moment as envelopes carry it."""
    return format_time(clock())
