"""A room's feed: order, holes, audiences, and what a subscription is handed once it has caught up."""

import pytest
import recording
from recording import Recorder, logged, subscribed

from productflo.domain.passing import Passing
from productflo.domain.position import Position
from productflo.protocol.codec import encode
from productflo.protocol.envelope import Outbound
from productflo.protocol.messages import Deleted, DeletedData, Edited, EditedData
from productflo.server.connection import Frame
from productflo.server.feed import Feed
from productflo.server.subscription import HELD, HELD_BYTES, Subscription
from productflo.store.events import Entered, Live, Logged, Removed

feed = recording.feed


def seqs(connection: Recorder) -> list[int]:
    """The durable events that a connection was handed."""
    return [one["data"]["seq"] for one in connection.got if isinstance(one, dict)]


def test_everybody_hears_everything_in_order(feed: Feed) -> None:
    """Whatever the batches are."""
    ada, bob = subscribed(feed, "ada"), subscribed(feed, "bob")
    assert feed.logged(logged(1, 3))
    assert feed.logged(logged(4, 4))
    assert seqs(ada) == seqs(bob) == [1, 2, 3, 4]


def test_nothing_is_handed_on_twice(feed: Feed) -> None:
    """An event that comes again, alone or at the beginning of a batch."""
    ada = subscribed(feed, "ada")
    for event in (logged(1, 2), logged(1, 2), logged(2, 3), logged(1, 4), logged(4, 4)):
        assert feed.logged(event)
    assert seqs(ada) == [1, 2, 3, 4]


def test_a_hole_is_told_and_nothing_passes_it(feed: Feed) -> None:
    """Until what is missing has come."""
    ada = subscribed(feed, "ada")
    assert feed.logged(logged(1, 1))
    assert not feed.logged(logged(3, 4))
    assert (seqs(ada), feed.behind, feed.target) == ([1], True, 4)
    assert feed.logged(logged(2, 4))
    assert (seqs(ada), feed.behind) == ([1, 2, 3, 4], False)


def test_a_feed_that_has_not_started_holds_back() -> None:
    """What is heard before the room's position is known is fetched from the log later."""
    feed = Feed("lab")
    ada = subscribed(feed, "ada")
    assert feed.logged(logged(6, 6))
    feed.start("g1", 5, 0)
    assert (ada.got, feed.behind) == ([], True)
    feed.start("g2", 99, 0)
    assert (feed.generation, feed.seq) == ("g1", 5)


def test_a_subscription_that_is_ahead_is_not_handed_the_same_again(feed: Feed) -> None:
    """It read the log up to its cursor."""
    ada = subscribed(feed, "ada", cursor=2)
    feed.logged(logged(1, 3))
    assert seqs(ada) == [3]


def turned(feed: Feed, position: Position, leaves: int = 0) -> set[Subscription]:
    """Another generation, told by words that say which."""
    return feed.turn(position, leaves, continuous=Frame(b'"goes on"'), rewound=Frame(b'"went back"'))


def test_a_store_that_went_back_is_told_to_who_had_more(feed: Feed) -> None:
    """They go on after what the store has now; who has nothing that was lost goes on from there."""
    ada, bob = subscribed(feed, "ada"), subscribed(feed, "bob", live=False, cursor=2)
    feed.logged(logged(1, 5))
    beyond = turned(feed, Position("g2", 7, (("g1", 3),), 1))
    assert beyond == {feed.subscriptions["ada"]}
    assert (ada.got[5:], bob.got) == (["went back"], ["goes on"])
    assert (feed.seq, feed.subscriptions["ada"].cursor, feed.subscriptions["bob"].cursor) == (7, 7, 2)
    feed.logged(logged(8, 8, "g2"))
    assert seqs(ada)[5:] == [8]


def test_a_store_that_lost_nothing_goes_on(feed: Feed) -> None:
    """All are told, nobody loses their place, and what was said meanwhile is missing."""
    ada = subscribed(feed, "ada")
    feed.logged(logged(1, 5))
    assert turned(feed, Position("g2", 7, (("g1", 5),), 1)) == set()
    assert (ada.got[5:], feed.seq, feed.behind) == (["goes on"], 5, True)
    assert feed.logged(logged(6, 8, "g2"))
    assert [one["data"]["seq"] for one in ada.got[6:]] == [6, 7, 8]


def test_an_event_of_another_generation_is_not_handed_on(feed: Feed) -> None:
    """Also where its seq would follow, or was had: the position must be looked at first."""
    ada = subscribed(feed, "ada")
    feed.logged(logged(1, 2))
    assert not feed.logged(logged(1, 1, "g2"))
    assert feed.logged(logged(2, 3, "g2"))
    assert seqs(ada) == [1, 2]
    turned(feed, Position("g2", 1, (), 1))
    feed.settle(feed.listenings)
    assert (feed.seq, feed.target) == (1, 3)


def test_a_passing_event_reaches_its_audience(feed: Feed) -> None:
    """All, all but one, or only some; by user, with all their tabs."""
    ada, bob, tab = subscribed(feed, "ada"), subscribed(feed, "bob"), subscribed(feed, "ada", tab="2")
    feed.live(Live(b'"all"'))
    feed.live(Live(b'"but"', but="ada"))
    feed.live(Live(b'"only"', only=("ada",)))
    feed.live(Live(b'"nobody"', only=()))
    assert ada.got == tab.got == ["all", "only"]
    assert bob.got == ["all", "but"]


def test_who_catches_up_gets_passing_events_afterwards(feed: Feed) -> None:
    """In their order, and no durable event meanwhile: those come from the log."""
    ada = subscribed(feed, "ada", live=False)
    feed.live(Live(b'"first"'))
    feed.logged(logged(1, 1))
    feed.live(Live(b'"second"'))
    assert ada.got == []
    feed.go_live(feed.subscriptions["ada"])
    assert ada.got == ["first", "second"]
    feed.live(Live(b'"third"'))
    assert ada.got[-1] == "third"


def test_what_is_held_is_bounded_in_bytes(feed: Feed) -> None:
    """What may be shed goes first, the oldest before the others."""
    ada = subscribed(feed, "ada", live=False)
    large = b'"%s"' % (b"x" * 4000)
    enough = HELD_BYTES // 4000
    feed.live(Live(b'"joined"'))
    for number in range(enough + 2):
        feed.live(Live(b"[%d, %s]" % (number, large), passing=Passing.PRESENCE))
    feed.go_live(feed.subscriptions["ada"])
    assert ada.got[0] == "joined"
    assert [one[0] for one in ada.got[1:]] == list(range(2, enough + 2))


def test_what_is_held_is_bounded(feed: Feed) -> None:
    """The oldest are shed."""
    ada = subscribed(feed, "ada", live=False)
    for number in range(HELD + 10):
        feed.live(Live(b"%d" % number))
    feed.go_live(feed.subscriptions["ada"])
    assert ada.got == list(range(10, HELD + 10))


def gone(user: str, leaves: int) -> Removed:
    """The end of a membership, the so-manieth of the room."""
    return Removed(user, leaves, 1, b'"left"')


def test_who_was_removed_hears_nothing_more(feed: Feed) -> None:
    """All their connections are told and end, and nobody else's."""
    ada, tab, bob = subscribed(feed, "ada"), subscribed(feed, "ada", tab="2"), subscribed(feed, "bob")
    assert feed.removed(gone("ada", 1))
    feed.logged(logged(1, 1))
    assert (ada.got, tab.got, bob.got[0], seqs(bob)) == (["left"], ["left"], "left", [1])


def test_who_joined_after_the_removal_stays(feed: Feed) -> None:
    """In whatever order this process hears of the two: the room counts the memberships that ended."""
    old, new = subscribed(feed, "ada"), subscribed(feed, "ada", tab="2", leaves=1)
    assert feed.removed(gone("ada", 1))
    feed.logged(logged(1, 1))
    assert (old.got, seqs(new)) == (["left"], [1])
    assert "left" not in new.got


def test_who_is_removed_while_they_join_is_told(feed: Feed) -> None:
    """The word of it came before the subscription could begin, which then does not."""
    ada = Recorder("ada")
    feed.pins = 1
    feed.removed(gone("ada", 4))
    assert not feed.follow(Subscription(ada, "ada", stream=False, leaves=3))
    assert (ada.got, feed.subscriptions) == (["left"], {})
    assert feed.follow(Subscription(ada, "ada", stream=False, leaves=4))
    feed.unpin()
    assert feed.follow(Subscription(ada, "ada", stream=False, leaves=3))


def test_a_removal_that_was_not_heard_of_is_noticed(feed: Feed) -> None:
    """By the count; one that comes again is none."""
    assert feed.removed(gone("ada", 1))
    assert not feed.removed(gone("bob", 3))
    assert feed.removed(gone("bob", 3))


def test_the_number_of_members_follows_what_is_heard(feed: Feed) -> None:
    """Joins and leaves elsewhere; the one who came is not told."""
    ada, bob = subscribed(feed, "ada"), subscribed(feed, "bob")
    feed.entered(Entered("ada", 7, b'"came"'))
    assert (feed.member_count, ada.got, bob.got) == (7, [], ["came"])
    feed.removed(Removed("eve", 1, 6, b'"left"'))
    assert feed.member_count == 6


@pytest.mark.parametrize(
    "revision",
    [
        Edited(timestamp="", data=EditedData(message="x", sender="ada", message_id="m1")),
        Deleted(timestamp="", data=DeletedData(sender="ada", message_id="m1")),
    ],
    ids=["edit", "delete"],
)
def test_an_edit_or_deletion_is_known_by_its_beginning(feed: Feed, revision: Outbound) -> None:
    """What was read of the room before it reads differently now; a message changes nothing."""
    feed.logged(logged(1, 2))
    assert feed.revised_at == 0
    feed.logged(Logged(3, "g1", 0, (encode(revision),)))
    assert feed.revised_at == 3
