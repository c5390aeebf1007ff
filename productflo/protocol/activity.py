"""What goes on in a room and is not kept: who comes, is there, reads and writes, and what assistants do."""

from typing import Literal

from pydantic import Field

from productflo.protocol.codes import Code, Kind, Presence, Status
from productflo.protocol.envelope import Data, Outbound
from productflo.protocol.messages import ToolCall


class JoinedMember(Data):
    id: str
    name: str
    kind: Kind
    presence: Presence


class JoinedData(Data):
    member: JoinedMember
    member_count: int


class Joined(Outbound):
    """To the others, when a membership is new."""

    code: Literal[Code.JOIN] = Code.JOIN
    data: JoinedData


class LeftData(Data):
    member_count: int


class Left(Outbound):
    """To all: `user_id` is no member any more."""

    code: Literal[Code.LEAVE] = Code.LEAVE
    data: LeftData


class PieceData(Data):
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


class Waiting(Data):
    """A message that an assistant has not begun to answer."""

    message_id: str = Field(description="Of the question; of the answer that is to be given anew.")
    sender: str = Field(description="Who waits.")
    place: int = Field(description="1 is the next; messages that are one question share a place.")


class Approval(Data):
    """An action that an assistant may take once, if a person says so."""

    approval_id: str
    action: str = Field(description="What it is about to do, in a sentence.")
    arguments: str = Field(description="JSON: what the approval is bound to.")
    asker: str = Field(description="For whom it would be done.")
    expires_at: str
    decision: Literal["approved", "denied", "expired"] | None = None
    decided_by: str | None = None


class NotificationData(Data):
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


class TypingData(Data):
    status: Literal["started", "stopped"]
    sender: str
    message_id: str | None = Field(None, description="Of the answer that an assistant is writing.")
    run_id: str | None = None


class TypingNotice(Outbound):
    """Somebody else writes, or stopped writing."""

    code: Literal[Code.TYPING] = Code.TYPING
    data: TypingData


class ReadReceiptData(Data):
    message_id: str
    sender: str
    read_seq: int


class ReadReceiptNotice(Outbound):
    """A member's read mark moved; at most one a second of each reader, with the newest mark."""

    code: Literal[Code.READ_RECEIPT] = Code.READ_RECEIPT
    data: ReadReceiptData


class PresenceData(Data):
    status: Presence
    sender: str


class PresenceNotice(Outbound):
    """A member's presence changed; `room_id` only for a word said in one room."""

    code: Literal[Code.PRESENCE] = Code.PRESENCE
    data: PresenceData


class PresenceCountData(Data):
    here: int = Field(description="Members who are not offline.")
    member_count: int


class PresenceCount(Outbound):
    """How many are there, in a room of more than 200 members; at most once a second, in place of each one."""

    code: Literal[Code.PRESENCE] = Code.PRESENCE
    data: PresenceCountData
