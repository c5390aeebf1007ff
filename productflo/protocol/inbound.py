"""What a client sends: one model a code.

Unknown fields are ignored, so that a client of a later version is understood; everything known is
checked strictly (a number is not a string). The reference documentation is made from these models.
"""

from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from productflo.protocol.codes import Code, Presence
from productflo.protocol.ids import ForeignId, Id
from productflo.protocol.timestamps import Timestamp

MAX_TEXT = 40_000
"""Characters of a message: what people know from Slack, far below the envelope's limit in bytes."""
MAX_FILES = 50
"""Files attached to one message."""
MAX_METADATA_BYTES = 16_384
"""Encoded size of a message's own metadata."""
MAX_METADATA_DEPTH = 32
"""Objects and lists within each other in it: far below what encoders refuse, a page of history included."""
MAX_PAGE = 200
"""Messages of one page of history."""
PAGE = 50
"""Messages of one page of history where the client does not say."""

RequestId = Annotated[str, StringConstraints(max_length=64, strict=True)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT, strict=True)]
Seq = Annotated[int, Field(ge=0, le=2**53 - 1, strict=True)]


def _broken_rule(field: str, reason: str) -> PydanticCustomError:
    """A rule over several fields, told of the one to mend."""
    return PydanticCustomError("broken_rule", "{reason}", {"field": field, "reason": reason})


def _depth(value: object) -> int:
    """How deep objects and lists lie within each other; level by level, for any depth."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Spoken(_Model):
    sender: Id | None = Field(None, description="The same as `user_id`.")


class JoinData(_Model):
    stream: bool = Field(False, strict=True, description="Whether to get assistants' answers in pieces.")
    since: Seq | None = Field(None, description="Resume: the seq of the last event that the client has.")
    generation: Annotated[str, Field(strict=True, max_length=64)] | None = Field(
        None, description="Resume: the generation in which `since` was seen. Unset: the present one."
    )


class LeaveData(_Model):
    pass


class ChatData(_Model):
    message: Text = Field(description="The text, as Markdown. Empty only with a file attached.")
    sender: Id = Field(description="The same as `user_id`.")
    message_id: ForeignId | None = Field(None, description="Unique in the room. Unset: the server makes one.")
    attached_files: list[ForeignId] = Field(
        default_factory=list, max_length=MAX_FILES, description="File ids."
    )
    reply_to: ForeignId | None = Field(None, description="The `message_id` that this answers.")
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="The client's own object, kept as it is."
    )

    @field_validator("metadata")
    @classmethod
    def _stays_small(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        if _depth(metadata) > MAX_METADATA_DEPTH:
            raise ValueError(f"must not be nested deeper than {MAX_METADATA_DEPTH}")
        if len(orjson.dumps(metadata)) > MAX_METADATA_BYTES:
            raise ValueError(f"must not exceed {MAX_METADATA_BYTES} bytes encoded")
        return metadata

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.message.strip() and not self.attached_files:
            raise _broken_rule("message", "must not be empty unless a file is attached")
        return self


class TypingData(_Spoken):
    status: Literal["started", "stopped"]


class ReadReceiptData(_Spoken):
    message_id: ForeignId = Field(description="The newest message read; all before it count as read.")


class PresenceData(_Spoken):
    status: Presence


class HistoricData(_Model):
    message: str | None = Field(None, description="Ignored; some clients say what they are doing.")
    conversation_id: Id | None = Field(None, description="The same as `room_id`.")
    product_id: ForeignId | None = Field(None, description="Must be the room's product, where it has one.")
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE, strict=True)] = PAGE
    before: Seq | None = Field(None, description="Only messages before this seq.")
    after: Seq | None = Field(None, description="Only messages after this seq.")

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if self.before is not None and self.after is not None:
            raise _broken_rule("before", "give before or after, not both")
        return self


class StopData(_Model):
    message_id: ForeignId | None = Field(None, description="The answer's message id.")
    run_id: ForeignId | None = Field(None, description="The run's id.")

    @model_validator(mode="after")
    def _names_an_answer(self) -> Self:
        if (self.message_id is None) == (self.run_id is None):
            raise _broken_rule("message_id", "give message_id or run_id, and not both")
        return self


class PingData(_Model):
    pass


class Inbound(_Model):
    """The envelope around every `data`."""

    code: Code
    user_id: Id = Field(description="Who speaks; the same on every envelope of a connection.")
    room_id: Id | None = Field(None, description="The conversation.")
    timestamp: Timestamp | None = Field(None, description="ISO 8601; without a zone it means UTC.")
    request_id: RequestId | None = Field(None, description="Echoed in what answers this envelope alone.")


class InRoom(Inbound):
    """An envelope that needs a room."""

    room_id: Id = Field(description="The conversation.")


class Join(InRoom):
    """Subscribe this connection to a room, and become a member of it."""

    code: Literal[Code.JOIN]
    data: JoinData


class Leave(InRoom):
    """Give up membership of a room."""

    code: Literal[Code.LEAVE]
    data: LeaveData


class Chat(InRoom):
    """Say something in a room."""

    code: Literal[Code.CHAT]
    data: ChatData


class Typing(InRoom):
    """Tell the others that one is writing; ends by itself after 6 seconds unless repeated."""

    code: Literal[Code.TYPING]
    data: TypingData


class ReadReceipt(InRoom):
    """Move one's read mark forward to a message."""

    code: Literal[Code.READ_RECEIPT]
    data: ReadReceiptData


class SetPresence(Inbound):
    """Say whether one is there: everywhere, or in one room until the next word for everywhere."""

    code: Literal[Code.PRESENCE]
    data: PresenceData


class Historic(InRoom):
    """Ask for a page of a room's history."""

    code: Literal[Code.HISTORIC]
    data: HistoricData


class Stop(InRoom):
    """Stop an assistant's answer; what it said so far stays."""

    code: Literal[Code.STOP]
    data: StopData


class Ping(Inbound):
    """Ask whether the server is there."""

    code: Literal[Code.PING]
    data: PingData


INBOUND: dict[Code, type[Inbound]] = {
    Code.JOIN: Join,
    Code.LEAVE: Leave,
    Code.CHAT: Chat,
    Code.TYPING: Typing,
    Code.READ_RECEIPT: ReadReceipt,
    Code.PRESENCE: SetPresence,
    Code.HISTORIC: Historic,
    Code.STOP: Stop,
    Code.PING: Ping,
}
"""The model of every code that a client may send."""
