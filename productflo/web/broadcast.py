"""One message to several rooms, by a service."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError
from quart import Blueprint, request

from productflo.domain.identity import Identity
from productflo.errors import ProductFloError
from productflo.protocol.codec import first_problem
from productflo.protocol.ids import ForeignId, Id
from productflo.protocol.inbound import ChatData, Text
from productflo.service.broadcast import Broadcast
from productflo.service.chat import with_id
from productflo.web.errors import describe
from productflo.web.guard import Guard
from productflo.web.json_body import read_body


class NewBroadcast(BaseModel):
    """`POST /api/broadcast`."""

    user_id: Id = Field(description="Who speaks, in every room.")
    message: Text = Field(min_length=1)
    message_id: ForeignId | None = Field(None, description="Makes the call safe to repeat.")
    rooms: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    metadata: dict[str, Any] = Field(default_factory=dict)


def broadcast_blueprint(broadcast: Broadcast, guard: Guard) -> Blueprint:
    """`/api/broadcast`."""
    blueprint = Blueprint("broadcast", __name__)

    @blueprint.post("/api/broadcast")
    async def send() -> dict[str, Any]:
        guard.require_operator(request)
        asked = await read_body(request, NewBroadcast)
        guard.check_person(asked.user_id)
        said = with_id(_chat(asked))
        speaker = Identity(asked.user_id, asked.user_id, operator=True)
        results = await broadcast.send(speaker, said, asked.rooms)
        return {"message_id": said.message_id, "rooms": {room: _result(one) for room, one in results.items()}}

    return blueprint


def _chat(asked: NewBroadcast) -> ChatData:
    """The broadcast as a message, for which the rules of any message hold. Raises `ValidationFailed`."""
    try:
        return ChatData(
            message=asked.message,
            sender=asked.user_id,
            message_id=asked.message_id,
            metadata={"sent_from_device": "api", **asked.metadata},
        )
    except ValidationError as error:
        raise first_problem(error) from error


def _result(result: int | ProductFloError) -> dict[str, Any]:
    if isinstance(result, ProductFloError):
        return {"status": "error", **describe(result)}
    return {"status": "success", "seq": result}
