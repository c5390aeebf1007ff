"""Lies built into a real server from outside, to see that the checker finds them: faults/test_mutants.py.

Python imports a module of this name when it starts, in every process that has this folder on its path; the
variable STORM_MUTANT names the lie. One that finds nothing to change any more fails, and the server with it.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def dedupe_off() -> None:
    """What is sent again is done again."""
    _in_append(r"(local result =) said_before\(.*\)", r"\1 nil")
    _in_append(r"(local result =) done_before\(.*\)", r"\1 nil")


def retries_refused() -> None:
    """A message sent again is a conflict."""
    _in_append(r"entry\.d ~= digest", "true")


def acknowledged_and_lost() -> None:
    """What comes before every third message of each person was told to everybody, and is forgotten.

    Not the message itself: who comes back ahead of a log whose end is lost is rightly told of it.
    """
    third = "tonumber(string.match(message_id, '%d+$')) % 3 == 0"
    lost = "redis.call('XDEL', log, (seq - 1) .. '-' .. generation)"
    forgotten = "redis.call('ZREMRANGEBYSCORE', ids, seq - 1, seq - 1) known = {}"
    _in_append(r"(fresh_authors\[sender\] = at)", rf"\1 if {third} then note_chats() {lost} {forgotten} end")


def resume_off() -> None:
    """Every resume is continuous, and nothing is replayed."""
    from productflo.domain.position import Position
    from productflo.server.subscribing import Subscriber

    follow = Subscriber._follow

    def from_now_on(*args: Any, **options: Any) -> None:
        follow(*args, **{**options, "since": None})

    _replace(Position, "gap", lambda *_: None)
    _replace(Subscriber, "_follow", from_now_on)


def gap_filling_off() -> None:
    """What Pub/Sub drops is passed over."""
    from productflo.server.reconcile import Reconciler

    async def pass_over(self: Any, feed: Any, position: Any) -> bool:
        feed.seq = max(feed.seq, feed.target)
        for subscription in feed.subscriptions.values():
            subscription.cursor = max(subscription.cursor, feed.seq)
        return True

    _replace(Reconciler, "_fill", pass_over)


def told_in_another_order() -> None:
    """The events of one commit are fanned out from the last to the first."""
    from productflo.server.feed import Feed

    advance = Feed.advance

    def backwards(self: Feed, first_seq: int, envelopes: Sequence[bytes]) -> None:
        seq = self.seq
        new = envelopes[seq + 1 - first_seq :]
        for envelope in reversed(new):
            self.seq = seq
            for subscription in self.subscriptions.values():
                subscription.cursor = min(subscription.cursor, seq)
            advance(self, seq + 1, [envelope])
        self.seq = seq + len(new)
        for subscription in self.subscriptions.values():
            if subscription.live:
                subscription.cursor = self.seq

    _replace(Feed, "advance", backwards)


def _in_append(told: str, lie: str) -> None:
    from productflo.store import scripts

    source_of = scripts.script_source

    def changed(file: str) -> str:
        source = source_of(file)
        if file == "append.lua":
            source, times = re.subn(told, lie, source)
            assert times == 1, f"append.lua has {told!r} {times} times"
        return source

    changed("append.lua")
    scripts.script_source = changed


def _replace(owner: type, name: str, lie: Callable[..., Any]) -> None:
    assert hasattr(owner, name), f"{owner.__name__} has no {name} any more"
    setattr(owner, name, lie)


MUTANTS: Mapping[str, Callable[[], None]] = {
    lie.__name__: lie
    for lie in (
        dedupe_off,
        retries_refused,
        acknowledged_and_lost,
        resume_off,
        gap_filling_off,
        told_in_another_order,
    )
}

if name := os.environ.get("STORM_MUTANT"):
    try:
        MUTANTS[name]()
    except AssertionError as missing:  # Python would only print it, and run the honest server.
        raise SystemExit(f"{name}: {missing}") from missing
