"""When a roster is as new as a join: it counts who has come and who has left."""

import asyncio
from typing import Any

import orjson

from productflo.protocol.answers import MemberInfo
from productflo.protocol.codes import Kind, Presence
from productflo.server.roster import Rosters


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


def come(rosters: Rosters, user: str) -> None:
    """The bus tells of a new member."""
    known = member(user).model_dump(mode="json", exclude={"read_seq"}, exclude_none=True)
    told = {"code": "join", "user_id": user, "data": {"member": known, "member_count": 0}}
    rosters.heard("lab", orjson.dumps(told))


async def test_those_who_join_at_once_find_one_roster() -> None:
    """Though each has counted more than the one before."""
    rosters, membership = await read()
    come(rosters, "bob")
    come(rosters, "eve")
    bobs, eves = await rosters.of("lab", "bob", 2), await rosters.of("lab", "eve", 3)
    assert bobs is eves
    assert [one.id for one in eves.first()] == ["ada", "bob", "eve"]
    assert membership.asked == 1


async def test_a_join_elsewhere_that_was_not_heard_of() -> None:
    """There are fewer than the joiner found."""
    rosters, membership = await read()
    come(rosters, "bob")
    membership.members += [member("bob"), member("guest")]
    assert (await rosters.of("lab", "bob", 3)).agrees("bob", 3)
    assert membership.asked == 2


async def test_a_leave_that_was_not_heard_of() -> None:
    """There are as many as the joiner found, and one of them had left by then."""
    rosters, membership = await read("guest", leaves=4)
    come(rosters, "bob")
    membership.members = [member("ada"), member("bob")]
    roster = await rosters.of("lab", "bob", 2, 5)
    assert [one.id for one in roster.first()] == ["ada", "bob"]
    assert membership.asked == 2


async def test_a_leave_that_was_heard_of_takes_no_reading() -> None:
    """In whatever order it comes to the next join."""
    rosters, membership = await read("guest", leaves=4)
    rosters.removed("lab", "guest", 5)
    come(rosters, "bob")
    assert [one.id for one in (await rosters.of("lab", "bob", 2, 5)).first()] == ["ada", "bob"]
    rosters.removed("lab", "ada", 6)
    assert [one.id for one in (await rosters.of("lab", "bob", 2, 5)).first()] == ["bob"]
    assert membership.asked == 1


async def test_what_joiners_are_sent_is_what_they_are_shown() -> None:
    """After each change."""
    rosters, _ = await read("zoe")
    roster = await rosters.of("lab", "ada", 2)
    for change in (
        lambda: rosters.present("ada", Presence.OFFLINE),
        lambda: come(rosters, "bob"),
        lambda: rosters.removed("lab", "zoe", 1),
    ):
        before = roster.encoded()
        change()
        assert roster.encoded() == b",".join(one.encoded() for one in roster.first())
        assert roster.encoded() != before
