"""The members that a joiner is shown: read once for many, and kept true by what is heard."""

import asyncio
from typing import Any

import orjson

from productflo.protocol.answers import MemberInfo
from productflo.protocol.codes import Kind, Presence
from productflo.server.roster import SHOWN, Roster, Rosters


def member(user: str, presence: Presence = Presence.OFFLINE, kind: Kind = Kind.HUMAN) -> MemberInfo:
    """Somebody of a room."""
    return MemberInfo(id=user, name=user.title(), kind=kind, presence=presence, read_seq=0)


def told(code: str, user: str, **data: Any) -> bytes:
    """An envelope that went to the room."""
    return orjson.dumps({"code": code, "user_id": user, "data": data})


def filled(*members: MemberInfo) -> Roster:
    """A roster that was read."""
    roster = Roster()
    roster.fill(list(members))
    return roster


def shown(roster: Roster) -> list[tuple[str, str]]:
    """Who is shown, and as what."""
    return [(one.id, one.presence.value) for one in roster.first()]


def test_a_joiner_is_shown_assistants_and_who_is_there_first() -> None:
    """At most a hundred."""
    crowd = [member(f"guest{number:03}") for number in range(SHOWN)]
    roster = filled(*crowd, member("zoe", Presence.BUSY), member("guide", Presence.ONLINE, Kind.ASSISTANT))
    assert shown(roster)[:3] == [("guide", "online"), ("zoe", "busy"), ("guest000", "offline")]
    assert len(roster.first()) == SHOWN


def test_what_is_heard_changes_it() -> None:
    """Presence everywhere and in the room, read marks, who comes, and who goes."""
    roster = filled(member("ada"), member("bob"))
    roster.present("ada", Presence.ONLINE)
    roster.heard(told("presence", "bob", status="away", sender="bob"))
    roster.heard(told("read_receipt", "bob", message_id="m1", sender="bob", read_seq=7))
    new = {"id": "eve", "name": "Eve", "kind": "human", "presence": "online"}
    roster.heard(told("join", "eve", member=new, member_count=3))
    assert shown(roster) == [("ada", "online"), ("bob", "away"), ("eve", "online")]
    assert roster.first()[1].read_seq == 7
    assert roster.agrees("eve", 3)
    roster.removed("bob")
    assert shown(roster) == [("ada", "online"), ("eve", "online")]


def test_what_is_heard_while_it_is_read_comes_after_it() -> None:
    """The answer was made before."""
    roster = Roster()
    roster.present("ada", Presence.ONLINE)
    roster.removed("bob")
    roster.present("nobody", Presence.ONLINE)
    roster.fill([member("ada"), member("bob")])
    assert shown(roster) == [("ada", "online")]


class Membership:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.members = [member("ada")]
        self.asked = 0

    async def shown(self, room: str) -> list[MemberInfo]:
        self.asked += 1
        await asyncio.sleep(0)
        return list(self.members)


async def test_it_is_read_once_for_those_who_join_together() -> None:
    """And anew for one whom it does not know, who counted others, or after what may not have been heard."""
    membership: Any = Membership()
    rosters = Rosters(membership)
    first, *others = await asyncio.gather(*(rosters.of("lab", "ada", 1) for _ in range(5)))
    assert all(one is first for one in others)
    assert membership.asked == 1
    membership.members.append(member("bob"))
    assert (await rosters.of("lab", "bob", 2)).agrees("bob", 2)
    assert (await rosters.of("lab", "ada", 2)).agrees("ada", 2)
    assert membership.asked == 2
    rosters.doubt("lab")
    await rosters.of("lab", "ada", 2)
    assert membership.asked == 3
