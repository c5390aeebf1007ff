"""Rooms over HTTP: making them, their members, their assistants, their messages."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError
from quart import Blueprint, Response, request

from productflo.errors import NotFound, ValidationFailed
from productflo.protocol.answers import with_messages
from productflo.protocol.codec import first_problem
from productflo.protocol.codes import RoomKind, Stoppers
from productflo.protocol.ids import ForeignId, Id
from productflo.protocol.inbound import MAX_PAGE, PAGE, HistoricData
from productflo.service.history import History
from productflo.service.membership import NOT_RUNNING, Membership
from productflo.store.profiles import Profile
from productflo.store.rooms import Room, Rooms
from productflo.store.standing import Standing, standing
from productflo.web.guard import Guard
from productflo.web.json_body import read_body


class NewRoom(BaseModel):
    """`POST /api/rooms`."""

    room_id: Id
    kind: RoomKind = RoomKind.OPEN
    team: Id | None = Field(None, description="For a room of kind team.")
    product_id: ForeignId | None = None
    members: Annotated[list[Id], Field(max_length=1000)] = Field(default_factory=list)


class Listening(BaseModel):
    """`PUT /api/rooms/{room}/assistants/{assistant}`."""

    listens: Literal["mentions", "all", "off"] = "mentions"


class RoomSettings(BaseModel):
    """`PATCH /api/rooms/{room}`."""

    stoppers: Stoppers = Field(description="Who may stop an assistant's answer: members, or asker.")


class Page(BaseModel):
    """The query of `GET /api/rooms/{room}/messages`."""

    before: int | None = Field(None, ge=0)
    after: int | None = Field(None, ge=0)
    limit: int = Field(PAGE, ge=1, le=MAX_PAGE)


def rooms_blueprint(membership: Membership, rooms: Rooms, history: History, guard: Guard) -> Blueprint:
    """`/api/rooms` and what is below it, and `/api/assistants`."""
    blueprint = Blueprint("rooms", __name__)

    @blueprint.get("/api/rooms")
    async def mine() -> dict[str, Any]:
        identity = guard.require(request)
        theirs = await rooms.rooms_of(identity.user_id)
        standings = await standing(rooms.redis, theirs, identity.user_id)
        return {"rooms": [_standing(one) for one in standings if one.is_member]}

    @blueprint.post("/api/rooms")
    async def make() -> tuple[dict[str, Any], int]:
        identity = guard.require(request)
        asked = await read_body(request, NewRoom)
        if (asked.team is not None) != (asked.kind is RoomKind.TEAM):
            raise ValidationFailed("A room of kind team, and no other, names its team.", field="team")
        room = Room(asked.room_id, asked.kind, identity.user_id, asked.team, asked.product_id)
        await membership.create(identity, room, asked.members)
        return _room(room), 201

    @blueprint.get("/api/rooms/<room_id>")
    async def one(room_id: str) -> dict[str, Any]:
        identity = guard.require(request)
        await membership.require(identity, room_id)
        standings = await standing(rooms.redis, [room_id], identity.user_id)
        if not standings:
            raise NotFound(f"There is no room {room_id}.", field="room_id")
        return _standing(standings[0])

    @blueprint.patch("/api/rooms/<room_id>")
    async def change(room_id: str) -> tuple[str, int]:
        identity = guard.require(request)
        asked = await read_body(request, RoomSettings)
        await membership.let_stop(identity, room_id, asked.stoppers)
        return "", 204

    @blueprint.get("/api/rooms/<room_id>/messages")
    async def messages(room_id: str) -> Response:
        identity = guard.require(request)
        try:
            asked = Page.model_validate(request.args.to_dict())
            wanted = HistoricData(before=asked.before, after=asked.after, limit=asked.limit)
        except ValidationError as error:
            raise first_problem(error) from error
        page = await history.page(identity, room_id, wanted)
        answer = with_messages(page.head.model_dump_json().encode(), page.messages)
        return Response(answer, mimetype="application/json")

    _members(blueprint, membership, guard)
    _assistants(blueprint, membership, rooms, guard)
    return blueprint


def _members(blueprint: Blueprint, membership: Membership, guard: Guard) -> None:
    @blueprint.get("/api/rooms/<room_id>/members")
    async def members(room_id: str) -> dict[str, Any]:
        await membership.require(guard.require(request), room_id)
        shown = [one.model_dump(exclude_none=True) for one in await membership.shown(room_id)]
        return {"members": shown, "member_count": len(shown)}

    @blueprint.put("/api/rooms/<room_id>/members/<user_id>")
    async def add(room_id: str, user_id: str) -> tuple[str, int]:
        identity = guard.require(request)
        guard.check_person(user_id)
        if user_id == identity.user_id:
            await membership.join(identity, room_id)
        else:
            await membership.add(identity, room_id, user_id)
        return "", 204

    @blueprint.delete("/api/rooms/<room_id>/members/<user_id>")
    async def remove(room_id: str, user_id: str) -> tuple[str, int]:
        await membership.remove(guard.require(request), room_id, user_id)
        return "", 204


def _assistants(blueprint: Blueprint, membership: Membership, rooms: Rooms, guard: Guard) -> None:
    @blueprint.get("/api/assistants")
    async def loaded() -> dict[str, Any]:
        guard.require(request)
        return {
            "assistants": [
                {
                    "id": one.id,
                    "name": one.name,
                    "description": one.description,
                    "on": list(one.on),
                    "broken": one.broken,
                    **_called_by(one),
                }
                for one in (await membership.assistants()).values()
            ]
        }

    @blueprint.get("/api/rooms/<room_id>/assistants")
    async def present(room_id: str) -> dict[str, Any]:
        await membership.require(guard.require(request), room_id)
        known = await membership.assistants()
        listening = await rooms.assistants(room_id)
        return {
            "assistants": [
                {
                    "id": one,
                    "name": known[one].name if one in known else one,
                    "description": known[one].description if one in known else "",
                    "listens": listens,
                    "broken": known[one].broken if one in known else NOT_RUNNING,
                    **(_called_by(known[one]) if one in known else {"commands": [], "requests": []}),
                }
                for one, listens in sorted(listening.items())
            ],
        }

    @blueprint.put("/api/rooms/<room_id>/assistants/<assistant>")
    async def add_assistant(room_id: str, assistant: str) -> tuple[str, int]:
        identity = guard.require(request)
        asked = await read_body(request, Listening)
        await membership.add_assistant(identity, room_id, assistant, asked.listens)
        return "", 204

    @blueprint.delete("/api/rooms/<room_id>/assistants/<assistant>")
    async def remove_assistant(room_id: str, assistant: str) -> tuple[str, int]:
        await membership.remove_assistant(guard.require(request), room_id, assistant)
        return "", 204


def _called_by(profile: Profile) -> dict[str, Any]:
    """What else calls an assistant: its commands, and the codes of its requests."""
    return {
        "commands": [{"name": name, "description": does} for name, does in profile.commands.items()],
        "requests": sorted(profile.requests),
    }


def _room(room: Room) -> dict[str, Any]:
    return {
        "room_id": room.room_id,
        "kind": room.kind,
        "team": room.team,
        "product_id": room.product,
        "creator": room.creator,
    }


def _standing(one: Standing) -> dict[str, Any]:
    return {
        **_room(one.room),
        "last_seq": one.last_seq,
        "read_seq": one.read_seq,
        "unread": one.unread,
        "member_count": one.member_count,
        "stoppers": one.stoppers,
    }
