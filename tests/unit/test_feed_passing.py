"""What passes through a room's feed: pieces of answers, and typing."""

import asyncio
from typing import Any

import orjson
import pytest
import recording
from recording import Recorder, logged, subscribed

from productflo.domain.typing import LEASE
from productflo.server.feed import Feed
from productflo.store.events import PieceSaid, Typed

feed = recording.feed


def piece(index: int, text: str, run: str = "m9.1") -> PieceSaid:
    """A piece of the answer that will be m9."""
    envelope = {
        "status": "pending",
        "data": {"message": text, "message_id": "m9", "run_id": run, "index": index},
    }
    return PieceSaid("m9", run, index, orjson.dumps(envelope))


def typed(user: str, *, started: bool) -> Typed:
    """Typing, told and ended."""
    return Typed(
        user,
        started,
        orjson.dumps([user, "started" if started else "stopped"]),
        orjson.dumps([user, "stopped"]),
    )


def texts(connection: Recorder) -> list[tuple[int, str]]:
    """The pieces that a connection was handed."""
    return [(one["data"]["index"], one["data"]["message"]) for one in connection.got]


def test_pieces_go_to_those_who_asked_for_them(feed: Feed) -> None:
    """Each once, in order."""
    ada, bob = subscribed(feed, "ada", stream=True), subscribed(feed, "bob")
    for event in (piece(0, "a"), piece(1, "b"), piece(1, "b"), piece(2, "c")):
        assert feed.piece(event)
    assert texts(ada) == [(0, "a"), (1, "b"), (2, "c")]
    assert bob.got == []


@pytest.mark.parametrize("missed", [piece(2, "c"), piece(1, "b", run="m9.2")])
def test_a_missing_piece_is_noticed(feed: Feed, missed: PieceSaid) -> None:
    """One that does not follow what was heard, or belongs to a run of which nothing was heard."""
    ada = subscribed(feed, "ada", stream=True)
    feed.piece(piece(0, "a"))
    assert not feed.piece(missed)
    assert texts(ada) == [(0, "a")]
    feed.answers.repaired("m9", missed.run_id, missed.index, piece(0, "abc", missed.run_id).envelope)
    assert feed.piece(piece(missed.index + 1, "d", missed.run_id))
    assert texts(ada)[-1] == (missed.index + 1, "d")


def test_index_0_starts_the_text_anew(feed: Feed) -> None:
    """Another worker has taken the answer over."""
    ada = subscribed(feed, "ada", stream=True)
    for event in (piece(0, "a"), piece(1, "b"), piece(0, "A", "m9.2"), piece(1, "B", "m9.2")):
        assert feed.piece(event)
    assert texts(ada) == [(0, "a"), (1, "b"), (0, "A"), (1, "B")]
    assert texts(subscribed(feed, "bob", stream=True)) == [(0, "AB")]


def test_a_finished_answer_is_not_shown_as_running(feed: Feed) -> None:
    """Once its message is in the log."""
    feed.piece(piece(0, "a"))
    feed.logged(logged(1, 9))
    assert texts(subscribed(feed, "bob", stream=True, cursor=9)) == []


async def test_typing_is_told_once_and_renewed_in_silence(feed: Feed) -> None:
    """To the others; stopping it is told once too."""
    ada, bob = subscribed(feed, "ada"), subscribed(feed, "bob")
    for started in (True, True, False, False):
        feed.typed(typed("ada", started=started))
    assert bob.got == [["ada", "started"], ["ada", "stopped"]]
    assert ada.got == []
    assert not feed.is_typing("ada")


async def test_a_late_joiner_sees_what_goes_on(feed: Feed) -> None:
    """Who types, but not oneself; and the text of an answer so far, where one asked for pieces."""
    subscribed(feed, "ada")
    feed.typed(typed("ada", started=True))
    feed.typed(typed("bob", started=True))
    for event in (piece(0, "a"), piece(1, "b")):
        feed.piece(event)
    bob, eve = subscribed(feed, "bob", stream=True), subscribed(feed, "eve")
    assert bob.got[0] == ["ada", "started"]
    assert bob.got[1]["data"] == {"message": "ab", "message_id": "m9", "run_id": "m9.1", "index": 0}
    assert eve.got == [["ada", "started"], ["bob", "started"]]


class Clock:
    """The loop's time and timers, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Any, tuple[Any, ...]]] = []
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Any, *arguments: Any) -> None:
        self.timers.append((self.now + delay, call, arguments))

    def pass_by(self, seconds: float) -> None:
        """Move on, and call what becomes due."""
        self.now += seconds
        while due := [timer for timer in self.timers if timer[0] <= self.now]:
            self.timers.remove(due[0])
            due[0][1](*due[0][2])


async def test_typing_ends_by_itself(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease after it was last said, told once; whoever died."""
    clock = Clock(monkeypatch)
    bob = subscribed(feed, "bob")
    feed.typed(typed("ada", started=True))
    clock.pass_by(LEASE - 1)
    feed.typed(typed("ada", started=True))
    clock.pass_by(LEASE - 1)
    assert bob.got == [["ada", "started"]]
    clock.pass_by(1)
    assert bob.got == [["ada", "started"], ["ada", "stopped"]]
    clock.pass_by(LEASE)
    assert (len(bob.got), clock.timers) == (2, [])


async def test_typing_that_stopped_and_began_again_has_a_whole_lease(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer of the first time does not end the second."""
    clock = Clock(monkeypatch)
    bob = subscribed(feed, "bob")
    feed.typed(typed("ada", started=True))
    clock.pass_by(LEASE - 1)
    feed.typed(typed("ada", started=False))
    feed.typed(typed("ada", started=True))
    clock.pass_by(2)
    assert bob.got[-1] == ["ada", "started"]
    clock.pass_by(LEASE - 2)
    assert bob.got[-1] == ["ada", "stopped"]
    assert not feed.is_typing("ada")
