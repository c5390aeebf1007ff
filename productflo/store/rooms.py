"""Rooms and their members: kinds, membership, read marks, positions."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from redis.exceptions import RedisError

from productflo.domain.position import Position
from productflo.protocol.codes import Kind, RoomKind, Stoppers
from productflo.store.client import Client
from productflo.store.keys import RoomKeys, user_rooms
from productflo.store.reply import Reply, text
from productflo.store.scripts import Call, script
from productflo.store.together import ask, ask_any, call

KEPT = 2048
"""Rooms whose keys are kept: some 2 KB each; those that somebody comes to at the same time."""
_FIXED = 4
"""What is fixed about a room, as join.lua tells it in place of a join: kind, creator, team, product."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is fixed about a room."""

    room_id: str
    kind: RoomKind
    creator: str
    team: str | None = None
    product: str | None = None

    @classmethod
    def of(cls, room_id: str, fixed: Sequence[Reply | None]) -> "Room | None":
        """The room behind kind, creator, team and product of `{room}:meta`; None where there is none."""
        kind, creator, team, product = (text(value) if value else None for value in fixed)
        return cls(room_id, RoomKind(kind), creator or "", team, product) if kind else None


@dataclass(frozen=True, slots=True)
class Member:
    """One who belongs to a room."""

    user_id: str
    name: str
    kind: Kind

    def record(self) -> bytes:
        """As `{room}:members` holds it."""
        return orjson.dumps({"name": self.name, "kind": self.kind})

    @classmethod
    def of(cls, user_id: Reply, record: Reply) -> "Member":
        """The member behind a field of `{room}:members`."""
        known = orjson.loads(record)
        return cls(text(user_id), known["name"], Kind(known["kind"]))


@dataclass(frozen=True, slots=True)
class Joined:
    """What joining found: whether the membership is new, and where room and member stand.

    `leaves` counts the memberships of the room that had ended by then; `missed_bytes` are those of the
    events after the seq that was asked about.
    """

    new: bool
    kind: RoomKind
    member_count: int
    read_seq: int
    unread: int
    leaves: int
    missed_bytes: int
    position: Position


@dataclass(frozen=True, slots=True)
class State:
    """What changes about a room, at one moment; `leaves` counts the memberships that have ended."""

    position: Position
    leaves: int
    member_count: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms of the store. Methods raise what redis-py raises."""

    redis: Client

    async def find(self, room_id: str) -> Room | None:
        """The room, if it exists."""
        meta = await self.redis.hmget(RoomKeys(room_id).meta, ["kind", "creator", "team", "product"])
        return Room.of(room_id, meta)

    async def find_for(self, room_id: str, user_id: str) -> tuple[Room | None, bool]:
        """The room, and whether the user is a member of it."""
        keys = _keys(room_id)
        meta, member = await ask(
            self.redis,
            keys.meta,
            ("HMGET", keys.meta, "kind", "creator", "team", "product"),
            ("HEXISTS", keys.members, user_id),
        )
        return Room.of(room_id, meta), bool(member)

    async def create(self, room: Room, assistants: list[Member], members: list[Member]) -> bool:
        """Make a room with its assistants; False if it was there already."""
        keys = RoomKeys(room.room_id)
        people = [part for member in members for part in (member.user_id, member.record())]
        helpers = [part for member in assistants for part in (member.user_id, member.record())]
        new = await script("create_room")(
            self.redis,
            [keys.meta, keys.members, keys.assistants, *(keys.run(one.user_id) for one in assistants)],
            [
                secrets.token_hex(8),
                room.kind,
                room.creator,
                room.team or "",
                room.product or "",
                len(assistants),
                *helpers,
                *people,
            ],
        )
        if new:
            await self._index(room.room_id, [*assistants, *members])
        return bool(new)

    async def enter(self, room_id: str, member: Member, since: int | None = None) -> Joined | Room | None:
        """As `join`, for somebody whose rights nobody has looked at: most rooms need none.

        The room, and nothing is changed, where they may not join it without one.
        """
        found = await self._join(room_id, member, "ask", since)
        if found is not None and len(found) == _FIXED:
            return Room.of(room_id, found)
        return found if found is None else await self._joined(room_id, member, found)

    async def join(
        self, room_id: str, member: Member, *, granted: bool, since: int | None = None
    ) -> Joined | None:
        """Make somebody a member; None if there is no such room.

        `granted` tells that the room's kind lets them in; without it only a member already may. `since` is
        the seq that they resume after. Raises PermissionError if they may not.
        """
        found = await self._join(room_id, member, "1" if granted else "", since)
        if found == b"forbidden":
            raise PermissionError(room_id)
        return found if found is None else await self._joined(room_id, member, found)

    async def _join(self, room_id: str, member: Member, right: str, since: int | None) -> Any:
        keys = _keys(room_id)
        return await call(
            self.redis,
            script("join"),
            [keys.meta, keys.members, keys.reads, keys.ids, keys.log, keys.deleted],
            [member.user_id, member.record(), right, "" if since is None else since],
        )

    async def _joined(self, room_id: str, member: Member, found: list[Any]) -> Joined:
        new, kind, count, read_seq, unread, leaves, missed_bytes, *position = found
        await self._index(room_id, [member])  # Also where it is not new: the first time may have failed.
        return Joined(
            bool(new),
            RoomKind(kind.decode()),
            count,
            read_seq,
            unread,
            leaves,
            missed_bytes,
            Position.of(*position),
        )

    async def leave(self, room_id: str, user_id: str, notice: bytes) -> tuple[bool, int]:
        """End a membership: whether there was one, and how many are left.

        `notice` is the envelope that tells it, encoded up to the member count; the script completes and
        publishes it as `Removed`.
        """
        keys = RoomKeys(room_id)
        # The index first: a join that comes between the two must not lose its entry.
        await self.redis.srem(user_rooms(user_id), room_id)
        was, count = await script("leave")(
            self.redis,
            [
                keys.members,
                keys.reads,
                keys.words,
                keys.assistants,
                keys.run(user_id),
                keys.meta,
                keys.bus,
            ],
            [user_id, notice],
        )
        return bool(was), count

    async def add_assistant(self, room_id: str, assistant: Member, listens: str) -> tuple[bool, int] | None:
        """Put an assistant into a room, or change what it hears: whether it is new, and the member count."""
        keys = RoomKeys(room_id)
        found = await script("add_assistant")(
            self.redis,
            [keys.meta, keys.members, keys.assistants, keys.run(assistant.user_id)],
            [assistant.user_id, assistant.record(), listens],
        )
        if found is None:
            return None
        await self._index(room_id, [assistant])
        return bool(found[0]), found[1]

    async def let_stop(self, room_id: str, stoppers: Stoppers) -> None:
        """Say who may stop answers in a room, which must exist."""
        await self.redis.hset(RoomKeys(room_id).meta, "stoppers", stoppers)

    async def assistants(self, room_id: str) -> dict[str, str]:
        """The room's assistants and what each listens to."""
        key = _keys(room_id).assistants
        (found,) = await ask(self.redis, key, ("HGETALL", key))
        return _listening(found)

    async def company(self, room_id: str) -> tuple[dict[str, str], int]:
        """The room's assistants as `assistants` tells them, and how many members it has, they included."""
        keys = RoomKeys(room_id)
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.hgetall(keys.assistants)
        pipeline.hlen(keys.members)
        found, members = await pipeline.execute()
        return _listening(found), members

    async def members(self, room_id: str) -> list[Member]:
        """All members, in no order."""
        key = _keys(room_id).members
        (found,) = await ask(self.redis, key, ("HGETALL", key))
        return [Member.of(user_id, record) for user_id, record in found.items()]

    async def member_ids(self, room_id: str) -> list[str]:
        """The ids of all members, in no order."""
        return [text(user_id) for user_id in await self.redis.hkeys(RoomKeys(room_id).members)]

    async def is_member(self, room_id: str, user_id: str) -> bool:
        """Whether the user belongs to the room."""
        return bool(await self.redis.hexists(RoomKeys(room_id).members, user_id))

    async def members_among(self, room_id: str, users: Iterable[str]) -> frozenset[str]:
        """Those of the users who belong to the room."""
        asked = list(users)
        found = await self.redis.hmget(RoomKeys(room_id).members, asked) if asked else []
        return frozenset(user for user, record in zip(asked, found, strict=True) if record is not None)

    async def member_count(self, room_id: str) -> int:
        """How many belong to the room."""
        return int(await self.redis.hlen(RoomKeys(room_id).members))

    async def rooms_of(self, user_id: str) -> list[str]:
        """The rooms that a user is a member of, by name; an index, which may name one that they left."""
        return (await self.rooms_of_each([user_id]))[0]

    async def rooms_of_each(self, user_ids: Sequence[str]) -> list[list[str]]:
        """`rooms_of` for each of some users."""
        keys = [user_rooms(user_id) for user_id in user_ids]
        found = await ask_any(self.redis, [(key, ("SMEMBERS", key)) for key in keys])
        return [sorted(map(text, rooms)) for rooms in found]

    async def reads(self, room_id: str, users: list[str]) -> dict[str, int]:
        """Read marks; a user without one has 0."""
        if not users:
            return {}
        key = _keys(room_id).reads
        (marks,) = await ask(self.redis, key, ("HMGET", key, *users))
        return {user: int(mark or 0) for user, mark in zip(users, marks, strict=True)}

    async def read(self, room_id: str, user_id: str, message_id: str) -> tuple[bool, int] | None:
        """Move a read mark forward: whether it moved, and where it is; None: no such message.

        Raises PermissionError for one who is no member.
        """
        keys = RoomKeys(room_id)
        found = await script("read")(self.redis, [keys.ids, keys.reads, keys.members], [user_id, message_id])
        if found == b"forbidden":
            raise PermissionError(room_id)
        return None if found is None else (bool(found[0]), found[1])

    async def position(self, room_id: str) -> Position | None:
        """Where the room stands; None if there is no such room."""
        [state] = await self.states([(room_id, "", 0)])
        if isinstance(state, RedisError):
            raise state
        return state.position if state else None

    async def states(self, seen: Sequence[tuple[str, str, int]]) -> list[State | RedisError | None]:
        """How rooms stand, in one pipeline; None where there is no such room, an error where it is broken.

        Of each room the caller tells the newest durable event that it has seen, by generation and seq: a room
        that has less was put back under a running server, and begins another generation.
        """
        calls: list[Call] = []
        for room_id, generation, seq in seen:
            keys = RoomKeys(room_id)
            calls.append(([keys.meta, keys.log, keys.members], [generation, seq]))
        found = await script("position").everywhere(self.redis, calls)
        return [one if isinstance(one, RedisError) else _state(one) for one in found]

    async def _index(self, room_id: str, members: list[Member]) -> None:
        rooms = [user_rooms(member.user_id) for member in members]
        await ask_any(self.redis, [(key, ("SADD", key, room_id)) for key in rooms])


@lru_cache(maxsize=KEPT)
def _keys(room_id: str) -> RoomKeys:
    return RoomKeys(room_id)


def _listening(found: Mapping[Reply, Reply]) -> dict[str, str]:
    return {text(assistant): text(listens) for assistant, listens in found.items()}


def _state(found: list[Any] | None) -> State | None:
    if found is None:
        return None
    *position, leaves, member_count = found
    return State(Position.of(*position), leaves, member_count)
