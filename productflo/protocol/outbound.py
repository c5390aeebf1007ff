"""What the server sends: one model an envelope.

Fields that are None are left out of the encoding. `ChatResponseData` ends with `accepted_at` and `seq`
because the append script splices them into the encoded bytes (see `codec.open_ended`).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from productflo.protocol.codes import Code, GapReason, Kind, Presence, RoomKind, Status


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outbound(_Model):
    """The envelope around every `data`."""

    status: Status = Status.SUCCESS
    code: Code
    user_id: str | None = Field(None, description="Whose doing the envelope tells of.")
    room_id: str | None = None
    timestamp: str = Field(description="UTC, milliseconds, `Z`.")
    request_id: str | None = Field(None, description="Of the envelope that this one answers.")


class MemberInfo(_Model):
    id: str
    name: str
    kind: Kind
    presence: Presence
    read_seq: int = Field(description="Everything up to here has been read; 0: nothing.")


class JoinAnswerData(_Model):
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


class JoinedMember(_Model):
    id: str
    name: str
    kind: Kind
    presence: Presence


class JoinedData(_Model):
    member: JoinedMember
    member_count: int


class Joined(Outbound):
    """To the others, when a membership is new."""

    code: Literal[Code.JOIN] = Code.JOIN
    data: JoinedData


class LeftData(_Model):
    member_count: int


class Left(Outbound):
    """To all: `user_id` is no member any more."""

    code: Literal[Code.LEAVE] = Code.LEAVE
    data: LeftData


class AnswerData(_Model):
    """What only the server may say about an assistant's message."""

    run_id: str
    state: Literal["done", "stopped", "interrupted", "failed"]
    model: str | None = None
    stopped_by: str | None = None
    context: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None


class ChatResponseData(_Model):
    message: str
    sender: str
    message_id: str
    attached_files: list[str]
    reply_to: str | None = None
    mentions: list[str] | None = Field(None, description="Ids of users, assistants and teams.")
    metadata: dict[str, Any] = Field(description="The client's own, with `sent_from_device`.")
    assistant: AnswerData | None = None
    accepted_at: str | None = Field(None, description="When the store took it, by the store's clock.")
    seq: int | None = Field(None, description="Its place in the room: 1, 2, 3, ... without a hole.")


class ChatResponse(Outbound):
    """A message of a room, to every subscription, the sender's own included."""

    code: Literal[Code.CHAT_RESPONSE] = Code.CHAT_RESPONSE
    data: ChatResponseData


class PieceData(_Model):
    message: str = Field(description="The next piece of the text.")
    sender: str
    message_id: str = Field(description="The id that the finished message will have.")
    run_id: str
    index: int = Field(description="0 starts the text anew; any other piece is appended.")
    reply_to: str | None = None


class Piece(Outbound):
    """A piece of an answer that is being written, to connections that joined with `stream: true`."""

    status: Literal[Status.PENDING] = Status.PENDING
    code: Literal[Code.CHAT_RESPONSE] = Code.CHAT_RESPONSE
    data: PieceData


class TypingData(_Model):
    status: Literal["started", "stopped"]
    sender: str
    message_id: str | None = Field(None, description="Of the answer that an assistant is writing.")
    run_id: str | None = None


class TypingNotice(Outbound):
    """Somebody else writes, or stopped writing."""

    code: Literal[Code.TYPING] = Code.TYPING
    data: TypingData


class ReadReceiptData(_Model):
    message_id: str
    sender: str
    read_seq: int


class ReadReceiptNotice(Outbound):
    """A member's read mark moved."""

    code: Literal[Code.READ_RECEIPT] = Code.READ_RECEIPT
    data: ReadReceiptData


class PresenceData(_Model):
    status: Presence
    sender: str


class PresenceNotice(Outbound):
    """A member's presence changed; `room_id` only for a word said in one room."""

    code: Literal[Code.PRESENCE] = Code.PRESENCE
    data: PresenceData


class PresenceCountData(_Model):
    here: int = Field(description="Members who are not offline.")
    member_count: int


class PresenceCount(Outbound):
    """How many are there, in a room of more than 200 members; at most once a second, in place of each one."""

    code: Literal[Code.PRESENCE] = Code.PRESENCE
    data: PresenceCountData


class HistoricResponseData(_Model):
    messages: list[dict[str, Any]] = Field(
        description="Oldest first; each a message's `data`, `code`, `timestamp`."
    )
    has_more: bool = Field(
        description="Whether there are more in the direction asked for; long messages make short pages."
    )
    first_seq: int | None = Field(None, description="Of this page; left out when it is empty.")
    last_seq: int | None = Field(None, description="Of this page; left out when it is empty.")
    generation: str


class HistoricResponse(Outbound):
    """A page of history, to the asker alone."""

    code: Literal[Code.HISTORIC_RESPONSE] = Code.HISTORIC_RESPONSE
    data: HistoricResponseData


class PongData(_Model):
    pass


class Pong(Outbound):
    """The server is there."""

    code: Literal[Code.PONG] = Code.PONG
    data: PongData = PongData()


class SystemData(_Model):
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


OUTBOUND: tuple[type[Outbound], ...] = (
    JoinAnswer,
    Joined,
    Left,
    ChatResponse,
    Piece,
    TypingNotice,
    ReadReceiptNotice,
    PresenceNotice,
    PresenceCount,
    HistoricResponse,
    Pong,
    System,
)
"""Every envelope that the server sends."""
