"""A feed whose channel was lost: nothing is handed on before the room's position is known again."""

from productflo.protocol.codes import CloseCode
from productflo.server.connection import Frame, Joined
from productflo.server.feed import Feed
from productflo.server.subscription import Subscription
from productflo.store.events import Logged


class Ear:
    """A connection that notes what it is sent."""

    id = "conn_ear"
    closed = False

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def send(self, frame: Frame | Joined) -> None:
        self.heard += [text.encode() for text in frame.texts]

    def close(self, code: CloseCode, reason: str) -> None:
        raise AssertionError("nobody closes it")

    async def drained(self) -> None:
        return


def live_feed(ear: Ear) -> Feed:
    """A feed at seq 3 with one live subscription."""
    feed = Feed("room")
    feed.start("old", 3, 0)
    feed.subscriptions[ear.id] = Subscription(ear, "ada", stream=False, cursor=3, held=None)
    return feed


def test_events_wait_for_the_position_after_a_new_listening() -> None:
    """An event of the store's next generation does not move the place at which the old one ended."""
    ear = Ear()
    feed = live_feed(ear)
    feed.listening_anew()
    assert feed.logged(Logged(4, "old", 0, (b"4",)))
    assert ear.heard == []
    assert (feed.seq, feed.behind) == (3, True)
    feed.settle(feed.listenings)
    feed.advance(4, [b"4"])
    assert feed.logged(Logged(5, "old", 0, (b"5",)))
    assert ear.heard == [b"4", b"5"]


def test_a_position_from_before_the_newest_listening_settles_nothing() -> None:
    """The channel was lost again while the position was asked for."""
    ear = Ear()
    feed = live_feed(ear)
    feed.listening_anew()
    asked = feed.listenings
    feed.listening_anew()
    feed.settle(asked)
    feed.logged(Logged(4, "old", 0, (b"4",)))
    assert ear.heard == []


def test_a_position_that_was_overtaken_unsettles_nothing() -> None:
    """Two looked at the room, and the one that had asked first was answered last: nobody would look again."""
    ear = Ear()
    feed = live_feed(ear)
    asked_first = feed.listenings
    feed.listening_anew()
    feed.settle(feed.listenings)
    feed.settle(asked_first)
    feed.logged(Logged(4, "old", 0, (b"4",)))
    assert ear.heard == [b"4"]
