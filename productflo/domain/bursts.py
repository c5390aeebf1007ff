"""What one person says in a row is one question. Pure rules: everything they look at is passed in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

BURST = 2.0
"""Seconds from one's last word in which the next one belongs to it: people send a thought in parts."""
MOST = 20
"""Messages of one question: more is not a thought in parts, and begins the answer anew too often."""


class Said(Protocol):
    """A message as the rules see it; `sent_at` is the store's time, ISO 8601."""

    @property
    def sender(self) -> str:
        """Who said it."""

    @property
    def sent_at(self) -> str:
        """When the store took it."""

    @property
    def from_assistant(self) -> bool:
        """Whether an assistant said it."""


S = TypeVar("S", bound=Said)


def goes_on(last: Said, after: Said, seconds: float) -> bool:
    """Whether `after` is the same person going on after `last`. Assistants do not talk in bursts."""
    if after.sender != last.sender or after.from_assistant or last.from_assistant:
        return False
    passed = datetime.fromisoformat(after.sent_at) - datetime.fromisoformat(last.sent_at)
    return passed.total_seconds() < seconds


def head(said: S, before: Iterable[S], seconds: float) -> S:
    """The first message of what `said` goes on with; `before` are the messages before it, the newest first.

    The same for whoever looks, since nothing but the messages counts.
    """
    first = said
    for one in before:
        if goes_on(one, first, seconds):
            first = one
        elif not one.from_assistant:
            break
    return first
