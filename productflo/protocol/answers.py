"""What the server says to one connection: answers to what it asked for, and what it must know."""

from typing import Any, Literal

import orjson
from pydantic import Field

from productflo.protocol.codes import Code, GapReason, Kind, Presence, RoomKind
from productflo.protocol.envelope import Data, Outbound


class MemberInfo(Data):
    """A person or an assistant of a room, as who looks at it now is shown them."""

    id: str
    name: str
    kind: Kind
    presence: Presence
    read_seq: int = Field(description="Everything up to here has been read; 0: nothing.")
    broken: str | None = Field(None, description="Of an assistant that can not answer now: why not.")

    def encoded(self) -> bytes:
        """As it stands in an envelope."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


class JoinAnswerData(Data):
    kind: RoomKind
    member_count: int
    members: list[MemberInfo] = Field(description="At most 100: assistants first, then who is online.")
    generation: str = Field(description="Opaque; changes when the store may have gone back in time.")
    last_seq: int = Field(description="The seq of the room's newest event; 0: none yet.")
    read_seq: int = Field(description="The joiner's own read mark.")
    unread: int = Field(description="Messages after it.")
    continuous: bool | None = Field(None, description="On resume: every missed event follows this answer.")
    gap: bool | None = Field(None, description="On resume: events are missing.")
    reason: GapReason | None = None


class JoinAnswer(Outbound):
    """To the joiner alone. Nothing of a room precedes it; missed events follow, then live ones."""

    code: Literal[Code.JOIN] = Code.JOIN
    data: JoinAnswerData


_MEMBERS, _MESSAGES, _DATA = b'"members":[', b'"messages":[', b'"data":{'
"""Where in an envelope something begins. None of it can stand in what comes before: within a string of JSON
each quotation mark has a backslash."""


def with_members(answer: bytes, members: bytes) -> bytes:
    """An encoded `JoinAnswer` without members, with some that were encoded before, for all who join."""
    return _with(answer, _MEMBERS, members)


def _with(envelope: bytes, begin: bytes, elements: bytes) -> bytes:
    before, begin, after = envelope.partition(begin)
    return b"".join((before, begin, elements, after))


class FeedbackData(Data):
    sender: str = Field(description="Who did it.")
    message_id: str = Field(description="Of the message that this is about.")
    rating: Literal["up", "down"]
    comment: str | None = None


class FeedbackTaken(Outbound):
    """A rating was kept, to its sender alone."""

    code: Literal[Code.FEEDBACK] = Code.FEEDBACK
    data: FeedbackData


class HistoricResponseData(Data):
    messages: list[dict[str, Any]] = Field(
        description="Oldest first; each a message's `data`, `code`, `timestamp`."
    )
    has_more: bool = Field(
        description="Whether there are more in the direction asked for; long messages make short pages."
    )
    first_seq: int | None = Field(None, description="Of this page; left out when it is empty.")
    last_seq: int | None = Field(None, description="Of this page; left out when it is empty.")
    generation: str


def as_message(envelope: bytes) -> bytes:
    """An encoded message of the log as it stands on a page: its `data`, with `code` and `timestamp` in it."""
    begin, _, data = envelope.partition(_DATA)
    head = orjson.loads(begin[:-1] + b"}")
    return b'{%b,"code":%b,"timestamp":%b}' % (
        data.removesuffix(b"}}"),
        orjson.dumps(head["code"]),
        orjson.dumps(head["timestamp"]),
    )


def with_messages(page: bytes, messages: bytes) -> bytes:
    """An encoded page without messages, with some that were encoded before."""
    return _with(page, _MESSAGES, messages)


class HistoricResponse(Outbound):
    """A page of history, to the asker alone."""

    code: Literal[Code.HISTORIC_RESPONSE] = Code.HISTORIC_RESPONSE
    data: HistoricResponseData


class PongData(Data):
    pass


class Pong(Outbound):
    """The server is there."""

    code: Literal[Code.PONG] = Code.PONG
    data: PongData = PongData()


class SystemData(Data):
    code: str
    message: str
    request_code: str | None = Field(None, description="`code` of the envelope that this is about.")
    field: str | None = Field(None, description="The place in that envelope, such as `data.message`.")
    message_id: str | None = None
    retry_after: float | None = Field(None, description="Seconds after which trying again can help.")
    generation: str | None = None
    last_seq: int | None = None
    continuous: bool | None = Field(None, description="Nothing is lost: what the client has still counts.")
    gap: bool | None = Field(
        None, description="Events are missing; what follows counts from `last_seq`, as after a join answer."
    )
    reason: GapReason | None = None


class System(Outbound):
    """An error, a chat not confirmed yet (`UNCONFIRMED`), or what a subscription must know of its room.

    `GENERATION_CHANGED`: the store was restarted; go on (`continuous`), or forget what you have of the room
    (`gap`, `rewound`). `GAP`: events up to `last_seq` were trimmed before they could be sent.
    """

    code: Literal[Code.SYSTEM] = Code.SYSTEM
    data: SystemData
