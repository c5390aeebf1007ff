"""Who is in a room, as those who join are shown it: read once for all who come at the same time.

To read a thousand members for each of a thousand who return would be a million. A roster is kept for a moment
and changed by what this process hears, so that it is as true as one that was just read.
"""

import asyncio
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import orjson

from productflo.protocol.answers import MemberInfo
from productflo.protocol.codes import Code, Presence
from productflo.service.membership import Membership, Place, place

SHOWN = 100
"""Members told in the answer to a join; the rest of a big room is asked for over HTTP."""
KEPT = 2.0
"""Seconds that a roster is used: what Pub/Sub might have dropped shows no longer than that."""


@dataclass(slots=True)
class Roster:
    """The members of one room, in order; `leaves` counts the memberships that are known to have ended."""

    leaves: int = 0
    _members: dict[str, MemberInfo] = field(default_factory=dict)
    _order: list[Place] = field(default_factory=list)
    _encoded: bytes | None = None
    _reading: list[tuple[str, dict[str, Any]]] | None = field(default_factory=list)

    def fill(self, members: list[MemberInfo]) -> None:
        """The members as they were read; what was heard meanwhile comes after it."""
        self._members = {one.id: one for one in members}
        self._order = sorted(map(place, members))
        heard, self._reading = self._reading or [], None
        for user, change in heard:
            self._change(user, change)

    def first(self) -> list[MemberInfo]:
        """Those that a joiner is shown, in their order."""
        return [self._members[user] for *_, user in self._order[:SHOWN]]

    def encoded(self) -> bytes:
        """The same as the elements of a JSON array; made once for all who come before the next change."""
        if self._encoded is None:
            self._encoded = b",".join(map(MemberInfo.encoded, self.first()))
        return self._encoded

    def agrees(self, user: str, member_count: int, leaves: int = 0) -> bool:
        """Whether nothing is missing that a user found who has just joined.

        So many members then were what was left, after `leaves` had left, of all who had come: all of them
        have been heard of where as many are here or known to have left.
        """
        come = len(self._members) + self.leaves
        return user in self._members and self.leaves >= leaves and come >= member_count + leaves

    def heard(self, envelope: bytes) -> None:
        """An envelope went to the room: it may tell of a member."""
        told = orjson.loads(envelope)
        user, data = told.get("user_id"), told["data"]
        match told["code"]:
            case Code.JOIN:
                self._change(user, {**data["member"], "read_seq": 0})
            case Code.PRESENCE if user is not None:
                self.present(user, Presence(data["status"]))
            case Code.READ_RECEIPT:
                self._change(user, {"read_seq": data["read_seq"]})

    def present(self, user: str, presence: Presence) -> None:
        """A user's presence is another; why an assistant was away is not true any more."""
        if user in self._members or self._reading is not None:
            self._change(user, {"presence": presence, "broken": None})

    def removed(self, user: str, leaves: int = 0) -> None:
        """A user is no member any more."""
        self.leaves = max(self.leaves, leaves)
        self._change(user, {})

    def _change(self, user: str, change: dict[str, Any]) -> None:
        """Other values of a member; none at all for one who is none any more."""
        if self._reading is not None:
            self._reading.append((user, change))
            return
        known = self._members.pop(user, None)
        if known:
            del self._order[bisect_left(self._order, place(known))]
        if "id" in change:  # As an envelope has it.
            self._put(MemberInfo.model_validate({**(known.model_dump() if known else {}), **change}))
        elif known and change:
            self._put(known.model_copy(update=change))
        self._encoded = None

    def _put(self, member: MemberInfo) -> None:
        self._members[member.id] = member
        insort(self._order, place(member))


class Rosters:
    """The rosters in use, by room."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._rosters: dict[str, Roster] = {}
        self._readers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, room: str, user: str, member_count: int, leaves: int = 0) -> Roster:
        """The room's roster, for a member who has just joined and found so many there, and so many gone.

        It is read by one of those who ask at the same time. Raises what redis-py raises.
        """
        known = self._rosters.get(room)
        if known and known.agrees(user, member_count, leaves):
            return known
        async with self._readers.setdefault(room, asyncio.Lock()):
            known = self._rosters.get(room)
            if known and known.agrees(user, member_count, leaves):
                return known
            return await self._read(room, leaves)

    async def _read(self, room: str, leaves: int) -> Roster:
        roster = self._rosters[room] = Roster(leaves)
        asyncio.get_running_loop().call_later(KEPT, self._forget, room, roster)
        try:
            roster.fill(await self._membership.shown(room))
        except BaseException:
            self._forget(room, roster)
            raise
        return roster

    def heard(self, room: str, envelope: bytes) -> None:
        """An envelope went to a room."""
        if roster := self._rosters.get(room):
            roster.heard(envelope)

    def removed(self, room: str, user: str, leaves: int = 0) -> None:
        """A user is no member of a room any more, which so many had left by then."""
        if roster := self._rosters.get(room):
            roster.removed(user, leaves)

    def present(self, user: str, presence: Presence) -> None:
        """A user's presence is another everywhere."""
        for roster in self._rosters.values():
            roster.present(user, presence)

    def doubt(self, room: str) -> None:
        """What happened in a room may not have been heard."""
        if roster := self._rosters.get(room):
            self._forget(room, roster)

    def _forget(self, room: str, roster: Roster) -> None:
        if self._rosters.get(room) is roster:
            del self._rosters[room]
