"""When a roster is as new as a join: it counts who has come and who has left."""

import asyncio
from typing import Any

from productflo.domain.identity import Identity
from productflo.protocol.answers import MemberInfo
from productflo.protocol.codes import Kind, Presence
from productflo.server.roster import Rosters

BOB, EVE = Identity("bob", "Bob"), Identity("eve", "Eve")


def member(user: str) -> MemberInfo:
    """Somebody of a room."""
    return MemberInfo(id=user, name=user.title(), kind=Kind.HUMAN, presence=Presence.ONLINE, read_seq=0)


class Membership:
    """Counts how often it is asked."""

    def __init__(self, *users: str) -> None:
        self.members = [member(user) for user in users]
        self.asked = 0

    async def shown(self, room: str) -> list[MemberInfo]:
        self.asked += 1
        await asyncio.sleep(0)
        return list(self.members)


async def read(*users: str, leaves: int = 0) -> tuple[Rosters, Any]:
    """A roster of ada and others, as she found them when she came."""
    membership: Any = Membership("ada", *users)
    rosters = Rosters(membership)
    await rosters.of("lab", "ada", 1 + len(users), leaves)
    return rosters, membership


async def test_those_who_join_here_are_known_before_the_bus_tells() -> None:
    """Each finds more than the one before, and all of them find one roster."""
    rosters, membership = await read()
    rosters.entered("lab", BOB, Presence.ONLINE, 0)
    rosters.entered("lab", EVE, Presence.AWAY, 0)
    bobs, eves = await rosters.of("lab", "bob", 2), await rosters.of("lab", "eve", 3)
    assert bobs is eves
    assert [(one.id, one.presence) for one in eves.first()] == [
        ("ada", "online"),
        ("bob", "online"),
        ("eve", "away"),
    ]
    assert membership.asked == 1


async def test_a_join_elsewhere_that_was_not_heard_of() -> None:
    """There are fewer than the joiner found."""
    rosters, membership = await read()
    rosters.entered("lab", BOB, Presence.ONLINE, 0)
    membership.members += [member("bob"), member("guest")]
    assert (await rosters.of("lab", "bob", 3)).agrees("bob", 3)
    assert membership.asked == 2


async def test_a_leave_that_was_not_heard_of() -> None:
    """There are as many as the joiner found, and one of them had left by then."""
    rosters, membership = await read("guest", leaves=4)
    rosters.entered("lab", BOB, Presence.ONLINE, 5)
    membership.members = [member("ada"), member("bob")]
    roster = await rosters.of("lab", "bob", 2, 5)
    assert [one.id for one in roster.first()] == ["ada", "bob"]
    assert membership.asked == 2


async def test_a_leave_that_was_heard_of_takes_no_reading() -> None:
    """In whatever order it comes to the next join."""
    rosters, membership = await read("guest", leaves=4)
    rosters.removed("lab", "guest", 5)
    rosters.entered("lab", BOB, Presence.ONLINE, 5)
    assert [one.id for one in (await rosters.of("lab", "bob", 2, 5)).first()] == ["ada", "bob"]
    rosters.removed("lab", "ada", 6)
    assert [one.id for one in (await rosters.of("lab", "bob", 2, 5)).first()] == ["bob"]
    assert membership.asked == 1


async def test_one_who_was_removed_before_their_own_join_was_answered() -> None:
    """Is not put back among the members."""
    rosters, membership = await read()
    rosters.removed("lab", "bob", 1)
    rosters.entered("lab", BOB, Presence.ONLINE, 0)
    membership.members = [member("ada"), member("eve")]
    assert [one.id for one in (await rosters.of("lab", "eve", 2, 1)).first()] == ["ada", "eve"]
    assert membership.asked == 2


async def test_what_joiners_are_sent_is_what_they_are_shown() -> None:
    """After each change."""
    rosters, _ = await read("zoe")
    roster = await rosters.of("lab", "ada", 2)
    for change in (
        lambda: rosters.present("ada", Presence.OFFLINE),
        lambda: rosters.entered("lab", BOB, Presence.BUSY, 0),
        lambda: rosters.removed("lab", "zoe", 1),
    ):
        before = roster.encoded()
        change()
        assert roster.encoded() == b",".join(one.encoded() for one in roster.first())
        assert roster.encoded() != before
