"""Who is in a room, as those who join are shown it: read once for all who come at the same time.

To read a thousand members for each of a thousand who return would be a million. A roster is kept for a moment
and changed by what this process hears, so that it is as true as one that was just read.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import orjson

from productflo.protocol.answers import MemberInfo
from productflo.protocol.codes import Code, Presence
from productflo.service.membership import Membership, in_order

SHOWN = 100
"""Members told in the answer to a join; the rest of a big room is asked for over HTTP."""
KEPT = 2.0
"""Seconds that a roster is used: what Pub/Sub might have dropped shows no longer than that."""


@dataclass(slots=True)
class Roster:
    """The members of one room."""

    _members: dict[str, MemberInfo] = field(default_factory=dict)
    _first: list[MemberInfo] | None = None
    _reading: list[tuple[str, dict[str, Any]]] | None = field(default_factory=list)

    def fill(self, members: list[MemberInfo]) -> None:
        """The members as they were read; what was heard meanwhile comes after it."""
        self._members = {one.id: one for one in members}
        heard, self._reading = self._reading or [], None
        for user, change in heard:
            self._change(user, change)

    def first(self) -> list[MemberInfo]:
        """Those that a joiner is shown, in their order."""
        if self._first is None:
            self._first = in_order(self._members.values())[:SHOWN]
        return self._first

    def agrees(self, user: str, member_count: int) -> bool:
        """Whether the user is one of them, and they are so many."""
        return user in self._members and len(self._members) == member_count

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
        self._change(user, {"presence": presence, "broken": None})

    def removed(self, user: str) -> None:
        """A user is no member any more."""
        self._change(user, {})

    def _change(self, user: str, change: dict[str, Any]) -> None:
        """Other values of a member; none at all for one who is none any more."""
        if self._reading is not None:
            self._reading.append((user, change))
            return
        known = self._members.get(user)
        if not change:
            self._members.pop(user, None)
        elif known:
            self._members[user] = MemberInfo.model_validate({**known.model_dump(), **change})
        elif "id" in change:
            self._members[user] = MemberInfo.model_validate(change)
        else:
            return
        self._first = None


class Rosters:
    """The rosters in use, by room."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._rosters: dict[str, Roster] = {}
        self._readers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, room: str, user: str, member_count: int) -> Roster:
        """The room's roster, for a member who has just joined and found so many there.

        It is read by one of those who ask at the same time. Raises what redis-py raises.
        """
        async with self._readers.setdefault(room, asyncio.Lock()):
            known = self._rosters.get(room)
            return known if known and known.agrees(user, member_count) else await self._read(room)

    async def _read(self, room: str) -> Roster:
        roster = self._rosters[room] = Roster()
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

    def removed(self, room: str, user: str) -> None:
        """A user is no member of a room any more."""
        if roster := self._rosters.get(room):
            roster.removed(user)

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
