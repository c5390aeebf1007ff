"""What the server sends: one model an envelope.

Fields that are None are left out of the encoding. Of durable events the append script adds `accepted_at` and
`seq` (and what goes with them) to the encoded bytes, so they may be None here; `codec.in_parts` depends on
the order of their fields.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from productflo.protocol.codes import Code, GapReason, Kind, Presence, RoomKind, Status


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outbound(_Model):
    """The envelope around every `data`."""

    status: Status = Status.SUCCESS
    code: str
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
    broken: str | None = Field(None, description="Of an assistant that can not answer now: why not.")


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


class ToolCall(_Model):
    """A tool that an assistant used, for people to read; the model was given more of the result."""

    name: str
    arguments: str = Field(description="JSON, cut after 1,000 characters.")
    result: str | None = Field(None, description="Cut after 1,000 characters; of a failure the reason.")
    state: Literal["running", "done", "failed", "refused"]
    acting: bool = Field(False, description="Whether it changes something outside the room.")


class FileNote(_Model):
    file_id: str
    name: str
    reason: str | None = Field(None, description="Why it was not read, or not to its end.")


class AnswerContext(_Model):
    """What an assistant was given for its answer. Seqs are of this room, both included."""

    from_seq: int | None = None
    to_seq: int | None = None
    files_read: list[FileNote] = Field(default_factory=list)
    files_skipped: list[FileNote] = Field(default_factory=list)
    cut: bool = Field(False, description="Whether older messages, or the end of a file, were left out.")


class AnswerData(_Model):
    """What only the server may say about an assistant's message."""

    run_id: str
    state: Literal["done", "stopped", "interrupted", "failed"]
    hops: int = Field(0, description="Assistants' messages between this one and a person's.")
    model: str | None = None
    stopped_by: str | None = None
    questions: list[str] | None = Field(
        None, description="The messages that it answers, where they are several; `reply_to` is the last."
    )
    regenerates: str | None = Field(None, description="The answer that a member asked to be given anew.")
    reference: str | None = Field(None, description="Of a failure: what to look for in the worker's log.")
    context: AnswerContext | None = None
    tools: list[ToolCall] | None = None
    usage: dict[str, int] | None = Field(
        None, description="`prompt_tokens` and `completion_tokens` of all requests to models."
    )
    usage_estimated: bool | None = Field(
        None, description="That not all of `usage` is the model's server's count, which comes at the end."
    )


class RequestInfo(_Model):
    """A typed request, or a command, and whom it is for; the request's own fields follow."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: str = Field(description="Of the request; of a command its first word, such as `/summary`.")
    assistant: str = Field(description="The one that answers.")


class ChatResponseData(_Model):
    message: str
    sender: str
    message_id: str
    attached_files: list[str]
    reply_to: str | None = None
    metadata: dict[str, Any] = Field(description="The client's own, with `sent_from_device`.")
    request: RequestInfo | None = Field(
        None, description="Of a request: its fields but the `query`, which is `message`."
    )
    assistant: AnswerData | None = None
    accepted_at: str | None = Field(None, description="When the store took it, by the store's clock.")
    seq: int | None = Field(None, description="Its place in the room: 1, 2, 3, ... without a hole.")
    mentions: list[str] | None = Field(None, description="Ids of users, assistants and teams.")
    edited_at: str | None = Field(None, description="When its text was changed last.")
    reactions: dict[str, list[str]] | None = Field(None, description="Emoji -> users, first come first.")


class ChatResponse(Outbound):
    """A message of a room as it is now, to every subscription, the sender's own included."""

    code: Literal[Code.CHAT_RESPONSE] = Code.CHAT_RESPONSE
    data: ChatResponseData


class RequestResponse(Outbound):
    """An assistant's answer to a typed request: a message of the room as any other."""

    code: str = Field("<code>_response", description="The request's code, with `_response` after it.")
    data: ChatResponseData


class DeletedMessageData(_Model):
    message: Literal[""]
    sender: str
    message_id: str
    accepted_at: str
    seq: int
    deleted: Literal[True]


class DeletedMessage(Outbound):
    """What is left of a message that was deleted, in its place: in a resume and in history."""

    code: Literal[Code.CHAT_RESPONSE] = Code.CHAT_RESPONSE
    data: DeletedMessageData


class EditedData(_Model):
    message: str = Field(description="The message's text as it is now; in a resume perhaps a later one.")
    sender: str = Field(description="Who did it.")
    message_id: str = Field(description="Of the message that this is about.")
    accepted_at: str | None = Field(None, description="When the store took it, by the store's clock.")
    seq: int | None = Field(None, description="The edit's own place in the room.")
    message_seq: int | None = Field(None, description="The message's place.")
    mentions: list[str] | None = Field(None, description="Ids of users, assistants and teams.")
    edited_at: str | None = Field(None, description="When the text came that is told here.")
    deleted: Literal[True] | None = Field(None, description="In a resume: the message was deleted since.")


class Edited(Outbound):
    """A message's text was changed, to every subscription."""

    code: Literal[Code.EDIT] = Code.EDIT
    data: EditedData


class _RevisionData(_Model):
    sender: str = Field(description="Who did it.")
    message_id: str = Field(description="Of the message that this is about.")


class DeletedData(_RevisionData):
    accepted_at: str | None = Field(None, description="When the store took it, by the store's clock.")
    seq: int | None = Field(None, description="The deletion's own place in the room.")
    message_seq: int | None = Field(None, description="The message's place.")


class Deleted(Outbound):
    """A message was deleted, to every subscription."""

    code: Literal[Code.DELETE] = Code.DELETE
    data: DeletedData


class ReactedData(_RevisionData):
    emoji: str
    action: Literal["add", "remove"]
    accepted_at: str | None = Field(None, description="When the store took it; left out as `seq` is.")
    seq: int | None = Field(
        None, description="The reaction's own place; left out where nothing changed (to its sender alone)."
    )
    message_seq: int | None = Field(None, description="The message's place.")


class Reacted(Outbound):
    """A reaction was added or taken back, to every subscription."""

    code: Literal[Code.REACTION] = Code.REACTION
    data: ReactedData


class FeedbackData(_RevisionData):
    rating: Literal["up", "down"]
    comment: str | None = None


class FeedbackTaken(Outbound):
    """A rating was kept, to its sender alone."""

    code: Literal[Code.FEEDBACK] = Code.FEEDBACK
    data: FeedbackData


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


class Waiting(_Model):
    """A message that an assistant has not begun to answer."""

    message_id: str = Field(description="Of the question; of the answer that is to be given anew.")
    sender: str = Field(description="Who waits.")
    place: int = Field(description="1 is the next; messages that are one question share a place.")


class Approval(_Model):
    """An action that an assistant may take once, if a person says so."""

    approval_id: str
    action: str = Field(description="What it is about to do, in a sentence.")
    arguments: str = Field(description="JSON: what the approval is bound to.")
    asker: str = Field(description="For whom it would be done.")
    expires_at: str
    decision: Literal["approved", "denied", "expired"] | None = None
    decided_by: str | None = None


class NotificationData(_Model):
    code: Literal["ASSISTANT_STATUS", "ASSISTANT_QUEUE", "APPROVAL_ASKED", "APPROVAL_DECIDED"]
    message: str = Field(description="The same in words.")
    sender: str = Field(description="The assistant.")
    message_id: str | None = Field(None, description="Of the answer that is being written.")
    run_id: str | None = None
    reply_to: str | None = Field(None, description="The question's message id.")
    tools: list[ToolCall] | None = Field(None, description="ASSISTANT_STATUS: what it has used so far.")
    waiting: list[Waiting] | None = Field(None, description="ASSISTANT_QUEUE: empty when nobody waits.")
    approval: Approval | None = None


class Notification(Outbound):
    """What an assistant is doing. Not kept: repeated while it holds; the finished message tells all."""

    code: Literal[Code.NOTIFICATION] = Code.NOTIFICATION
    data: NotificationData


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
    """A member's read mark moved; at most one a second of each reader, with the newest mark."""

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
    RequestResponse,
    DeletedMessage,
    Edited,
    Deleted,
    Reacted,
    FeedbackTaken,
    Piece,
    Notification,
    TypingNotice,
    ReadReceiptNotice,
    PresenceNotice,
    PresenceCount,
    HistoricResponse,
    Pong,
    System,
)
"""Every envelope that the server sends."""
