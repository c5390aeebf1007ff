"""Events that come together are written together: once for the room, in order, and within a bound."""

from collections.abc import Sequence
from typing import Any

import pytest
from recording import logged, message

from productflo.protocol import frames
from productflo.server.connection import JOINED_BYTES, Frame, Joined
from productflo.server.feed import Feed
from productflo.server.subscription import Subscription
from productflo.store.events import Logged


class Writes:
    """A connection that keeps its writes apart."""

    closed = False

    def __init__(self, name: str) -> None:
        self.id = name
        self.written: list[Frame | Joined] = []

    def send(self, frame: Frame | Joined) -> None:
        self.written.append(frame)


def follows(feed: Feed, name: str, cursor: int = 0) -> Writes:
    """A connection that is live from a seq on."""
    connection: Any = Writes(name)
    subscription = Subscription(connection, name, stream=False, cursor=cursor)
    assert feed.follow(subscription)
    feed.go_live(subscription)
    assert isinstance(connection, Writes)
    return connection


@pytest.fixture
def feed() -> Feed:
    """A room at seq 0."""
    feed = Feed("lab")
    feed.start("g1", 0, 0)
    return feed


def framed(envelopes: Sequence[bytes]) -> bytes:
    """As a client reads them."""
    return b"".join(map(frames.frame, envelopes))


def test_everybody_is_written_the_same_bytes_at_once(feed: Feed) -> None:
    """Ordinary frames, one for each event; made once, however many are there."""
    ada, bob = follows(feed, "ada"), follows(feed, "bob")
    assert feed.logged(logged(1, 8))
    (written,) = ada.written
    assert bob.written == [written]
    assert bob.written[0].frame is written.frame
    assert written.frame == framed([message(seq) for seq in range(1, 9)])
    assert len(written) == sum(len(message(seq)) for seq in range(1, 9))


def test_who_has_heard_some_is_written_the_rest(feed: Feed) -> None:
    """Also where that is nothing."""
    ahead, level, beyond = follows(feed, "a", 2), follows(feed, "b"), follows(feed, "c", 3)
    assert feed.logged(logged(1, 3))
    assert b"".join(one.frame for one in ahead.written) == framed([message(3)])
    assert b"".join(one.frame for one in level.written) == framed([message(1), message(2), message(3)])
    assert beyond.written == []


def test_what_is_written_at_once_is_bounded(feed: Feed) -> None:
    """So that a reader who falls behind is noticed before it has all of a large batch."""
    ada = follows(feed, "ada")
    sizes = [JOINED_BYTES // 2, JOINED_BYTES // 2, 1, JOINED_BYTES + 1, 1, 1]
    envelopes = tuple(b"x" * size for size in sizes)
    assert feed.logged(Logged(1, "g1", 0, envelopes))
    assert [[len(text.encode()) for text in burst.texts] for burst in ada.written] == [
        [JOINED_BYTES // 2, JOINED_BYTES // 2],
        [1],
        [JOINED_BYTES + 1],
        [1, 1],
    ]
    assert b"".join(one.frame for one in ada.written) == framed(envelopes)


async def test_who_waits_for_an_event_is_told_when_it_was_handed_on(feed: Feed) -> None:
    """At once where it was before."""
    await feed.reached(0)
    assert feed.logged(logged(1, 2))
    await feed.reached(2)
