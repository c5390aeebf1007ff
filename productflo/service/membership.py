"""Membership: joining, leaving, being added; and who is in a room."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from productflo.domain.access import joins_freely, members_may_change
from productflo.domain.identity import Identity
from productflo.errors import Conflict, NotFound, PermissionDenied, ValidationFailed
from productflo.protocol import activity
from productflo.protocol.answers import MemberInfo
from productflo.protocol.codec import encode
from productflo.protocol.codes import Kind, Presence, RoomKind, Stoppers
from productflo.service.clock import Clock, stamp
from productflo.store.bus import Bus
from productflo.store.events import Entered
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profile, Profiles
from productflo.store.rooms import Joined, Member, Room, Rooms
from productflo.store.teams import Teams


@dataclass(frozen=True, slots=True)
class Membership:
    """The members of rooms. Raises `PermissionDenied`, `NotFound`, and redis-py's errors."""

    rooms: Rooms
    teams: Teams
    presence: PresenceStore
    profiles: Profiles
    bus: Bus
    clock: Clock
    open_rooms: bool
    room_assistants: Sequence[str]

    async def join(self, identity: Identity, room_id: str, since: int | None = None) -> Joined:
        """Make the caller a member, where the room lets them in; make the room where it is new.

        The others hear of it when the membership is new. `since` is the seq that the caller resumes after.
        """
        member = Member(identity.user_id, identity.name, Kind.HUMAN)
        joined = await self.rooms.enter(room_id, member, since)
        if joined is None:
            room = await self._made(identity, room_id)
            joined = await self._join(identity, room, member, since)
        elif isinstance(joined, Room):
            joined = await self._join(identity, joined, member, since)
        if joined.new:
            await self._tell_joined(room_id, member, joined.member_count)
        return joined

    async def _made(self, identity: Identity, room_id: str) -> Room:
        """A room that was not there, made by who comes to it, where that may be."""
        if not self.open_rooms:
            raise NotFound(f"There is no room {room_id}. Ask for it to be made.", field="room_id")
        room = Room(room_id, RoomKind.OPEN, identity.user_id)
        await self.rooms.create(room, await self._assistants(self.room_assistants), [])
        return room

    async def _join(self, identity: Identity, room: Room, member: Member, since: int | None) -> Joined:
        """Join a room with the rights that the caller has."""
        in_team = await self._still_in_team(identity, room)
        granted = joins_freely(room.kind, in_team=in_team) or (
            identity.operator and room.kind is not RoomKind.DIRECT
        )
        try:
            joined = await self.rooms.join(room.room_id, member, granted=granted, since=since)
        except PermissionError as error:
            raise PermissionDenied(
                f"The room {room.room_id} is {room.kind}: a member has to add you.", field="room_id"
            ) from error
        if joined is None:
            raise NotFound(f"The room {room.room_id} has just been removed.", field="room_id")
        return joined

    async def leave(self, identity: Identity, room_id: str) -> None:
        """End the caller's own membership. Raises `NotFound` for one who is no member."""
        room = await self.rooms.find(room_id)
        if room is not None and not members_may_change(room.kind):
            raise PermissionDenied("The members of a direct room are fixed.", field="room_id")
        await self._end(room_id, identity.user_id)

    async def _end(self, room_id: str, user_id: str) -> None:
        """End a membership; all hear of it, and the user's subscriptions end."""
        notice = left_notice(room_id, user_id, 0, stamp(self.clock)).removesuffix(b"0}}")
        was, _ = await self.rooms.leave(room_id, user_id, notice)
        if not was:
            raise NotFound(f"{user_id} is not a member of {room_id}.", field="room_id")

    async def create(self, identity: Identity, room: Room, members: Sequence[str]) -> None:
        """Make a room over HTTP; a person who makes it is a member. Raises `Conflict` where it exists.

        `members` may name assistants. Those of every new room come along, except into a direct one, whose
        members are all named.
        """
        if room.kind is RoomKind.TEAM and not (identity.operator or await self.in_team(identity, room.team)):
            raise PermissionDenied("You are not in this team.", field="team")
        if room.kind is RoomKind.DIRECT and not members:
            raise ValidationFailed("A direct room needs its members.", field="members")
        people = [] if identity.operator else [Member(identity.user_id, identity.name, Kind.HUMAN)]
        usual = () if room.kind is RoomKind.DIRECT else self.room_assistants
        assistants = await self._assistants(usual, members)
        known = {one.user_id for one in (*people, *assistants)}
        people += [Member(user, user, Kind.HUMAN) for user in dict.fromkeys(members) if user not in known]
        if not await self.rooms.create(room, assistants, people):
            raise Conflict(f"The room {room.room_id} exists. Choose another room_id.", field="room_id")

    async def add(self, identity: Identity, room_id: str, user_id: str) -> None:
        """Add a person, by a member or an operator."""
        room = await self.changeable(identity, room_id)
        if await self.rooms.is_member(room_id, user_id):
            return
        if room.kind is RoomKind.TEAM and not await self.teams.has(room.team or "", user_id):
            raise PermissionDenied(f"{user_id} is not in {room.team}. Add them to the team.", field="user_id")
        member = Member(user_id, user_id, Kind.HUMAN)
        joined = await self.rooms.join(room_id, member, granted=True)
        if joined and joined.new:
            await self._tell_joined(room_id, member, joined.member_count)

    async def remove(self, identity: Identity, room_id: str, user_id: str) -> None:
        """Remove a person: oneself, or anybody by the room's creator or an operator."""
        room = await self.changeable(identity, room_id)
        if user_id != identity.user_id and not identity.operator and identity.user_id != room.creator:
            raise PermissionDenied("Only the room's creator or an operator may remove others.")
        await self._end(room_id, user_id)

    async def add_assistant(self, identity: Identity, room_id: str, assistant: str, listens: str) -> None:
        """Put an assistant into a room, or change what it listens to."""
        await self.changeable(identity, room_id)
        profile = await self.profiles.find(assistant)
        if profile is None:
            raise NotFound(f"No assistant {assistant} is loaded. GET /api/assistants lists those that are.")
        member = Member(assistant, profile.name, Kind.ASSISTANT)
        added = await self.rooms.add_assistant(room_id, member, listens)
        if added and added[0]:
            await self._tell_joined(room_id, member, added[1])

    async def remove_assistant(self, identity: Identity, room_id: str, assistant: str) -> None:
        """Take an assistant out of a room."""
        await self.changeable(identity, room_id)
        if assistant not in await self.rooms.assistants(room_id):
            raise NotFound(f"{assistant} is no assistant of {room_id}.")
        await self._end(room_id, assistant)

    async def assistants(self) -> dict[str, Profile]:
        """Every assistant that a worker has presented, by id; `broken` says why one can not answer now."""
        profiles = await self.profiles.all()
        presence = await self.presence.of([profile.id for profile in profiles])
        return {one.id: replace(one, broken=why_not(one, presence[one.id])) for one in profiles}

    async def let_stop(self, identity: Identity, room_id: str, stoppers: Stoppers) -> None:
        """Say who may stop answers in a room; by its creator or an operator."""
        room = await self.require(identity, room_id)
        if not identity.operator and identity.user_id != room.creator:
            raise PermissionDenied("Only the room's creator or an operator may change this.")
        await self.rooms.let_stop(room_id, stoppers)

    async def require(self, identity: Identity, room_id: str) -> Room:
        """The room, for its members and operators only.

        Where joining makes no rooms, others do not learn whether there is one.
        """
        room, member = await self.rooms.find_for(room_id, identity.user_id)
        if room is None and (identity.operator or self.open_rooms):
            raise NotFound(f"There is no room {room_id}. Join it to make it.", field="room_id")
        if room is None or not (member or identity.operator):
            raise PermissionDenied(f"You are not a member of {room_id}. Join it first.", field="room_id")
        await self._still_in_team(identity, room)
        return room

    async def changeable(self, identity: Identity, room_id: str) -> Room:
        """As `require`, and the room's members may change."""
        room = await self.require(identity, room_id)
        if not members_may_change(room.kind):
            raise PermissionDenied("The members of a direct room are fixed.", field="room_id")
        return room

    async def shown(self, room_id: str) -> list[MemberInfo]:
        """All members, as people see them."""
        members = await self.rooms.members(room_id)
        users = [member.user_id for member in members]
        presence, reads = await asyncio.gather(
            self.presence.of(users, room_id), self.rooms.reads(room_id, users)
        )
        assistants = [member.user_id for member in members if member.kind is Kind.ASSISTANT]
        profiles = await self.profiles.among(assistants)
        broken = {one: why_not(profiles.get(one), presence[one]) for one in assistants}
        return in_order(
            MemberInfo(
                id=member.user_id,
                name=member.name,
                kind=member.kind,
                presence=presence[member.user_id],
                read_seq=reads[member.user_id],
                broken=broken.get(member.user_id),
            )
            for member in members
        )

    async def _still_in_team(self, identity: Identity, room: Room) -> bool:
        """Whether the caller is in the room's team; one who has left the team leaves its rooms here."""
        if room.team is None:
            return False
        if identity.operator or await self.in_team(identity, room.team):
            return True
        if await self.rooms.is_member(room.room_id, identity.user_id):
            await self._end(room.room_id, identity.user_id)
        raise PermissionDenied(f"{room.room_id} is for the team {room.team}.", field="room_id")

    async def in_team(self, identity: Identity, team: str | None) -> bool:
        """Whether the caller is in a team, by token or as kept here."""
        return team is not None and (team in identity.teams or await self.teams.has(team, identity.user_id))

    async def _assistants(self, usual: Sequence[str], named: Sequence[str] = ()) -> list[Member]:
        """The usual assistants and those among the named, by the names under which workers present them."""
        known = await self.profiles.among([*usual, *named])
        ids = dict.fromkeys([*usual, *(one for one in named if one in known or one in self.room_assistants)])
        names = {one: known[one].name if one in known else one.capitalize() for one in ids}
        return [Member(one, name, Kind.ASSISTANT) for one, name in names.items()]

    async def _tell_joined(self, room_id: str, member: Member, member_count: int) -> None:
        presence = await self.presence.of([member.user_id], room_id)
        joined = activity.Joined(
            user_id=member.user_id,
            room_id=room_id,
            timestamp=stamp(self.clock),
            data=activity.JoinedData(
                member=activity.JoinedMember(
                    id=member.user_id,
                    name=member.name,
                    kind=member.kind,
                    presence=presence[member.user_id],
                ),
                member_count=member_count,
            ),
        )
        await self.bus.publish(room_id, Entered(member.user_id, member_count, encode(joined)))


NOT_RUNNING = "It is not running at present."
"""Of an assistant that no worker has, and whose last worker did not say that it is broken."""


def why_not(profile: Profile | None, presence: Presence) -> str | None:
    """Why an assistant can not answer now, for a room to read; None where it can.

    That one runs is told by its presence, a lease: what a worker wrote about it may be old.
    """
    if presence is not Presence.OFFLINE:
        return None
    return (profile.broken if profile else None) or NOT_RUNNING


Place = tuple[bool, bool, str, str]
"""Where a member stands among the others; the last part is their id."""


def place(member: MemberInfo) -> Place:
    """Assistants first, then who is there, then by name."""
    offline = member.presence is Presence.OFFLINE
    return (member.kind is not Kind.ASSISTANT, offline, member.name.casefold(), member.id)


def in_order(members: Iterable[MemberInfo]) -> list[MemberInfo]:
    """All of them, as they are shown."""
    return sorted(members, key=place)


def left_notice(room_id: str, user_id: str, member_count: int, timestamp: str) -> bytes:
    """The envelope that tells the end of a membership."""
    return encode(
        activity.Left(
            user_id=user_id,
            room_id=room_id,
            timestamp=timestamp,
            data=activity.LeftData(member_count=member_count),
        )
    )
