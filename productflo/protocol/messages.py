"""What a room keeps: its messages, and what is done to them, as the server sends them.

The append script adds `accepted_at` and `seq` (and what goes with them) to the encoded bytes, so they may be
None here; `codec.in_parts` depends on the order of their fields.
"""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from productflo.protocol.codes import Code
from productflo.protocol.envelope import Data, Outbound


class ToolCall(Data):
    """A tool that an assistant used, for people to read; the model was given more of the result."""

    name: str
    arguments: str = Field(description="JSON, cut after 1,000 characters.")
    result: str | None = Field(None, description="Cut after 1,000 characters; of a failure the reason.")
    state: Literal["running", "done", "failed", "refused"]
    acting: bool = Field(False, description="Whether it changes something outside the room.")


class Decided(Data):
    """An action that an assistant asked people's approval for, and what became of the asking."""

    action: str = Field(description="What it was about to do, in a sentence.")
    arguments: str = Field(description="JSON, cut after 1,000 characters.")
    decision: Literal["approved", "denied", "expired"]
    decided_by: str | None = Field(None, description="Left out where nobody decided in time.")


class FileNote(Data):
    """A file or web page that an assistant read, or did not."""

    file_id: str
    name: str
    reason: str | None = Field(None, description="Why it was not read, or not to its end.")


class AnswerContext(Data):
    """What an assistant was given for its answer. Seqs are of this room, both included."""

    from_seq: int | None = None
    to_seq: int | None = None
    files_read: list[FileNote] = Field(default_factory=list)
    files_skipped: list[FileNote] = Field(default_factory=list)
    cut: bool = Field(False, description="Whether older messages, or the end of a file, were left out.")


class AnswerData(Data):
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
    approvals: list[Decided] | None = Field(
        None, description="What it asked approval for, those of its tools included."
    )
    usage: dict[str, int] | None = Field(
        None, description="`prompt_tokens` and `completion_tokens` of all requests to models."
    )
    usage_estimated: bool | None = Field(
        None, description="That not all of `usage` is the model's server's count, which comes at the end."
    )


class RequestInfo(Data):
    """A typed request, or a command, and whom it is for; the request's own fields follow."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: str = Field(description="Of the request; of a command its first word, such as `/summary`.")
    assistant: str = Field(description="The one that answers.")


class ChatResponseData(Data):
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


class DeletedMessageData(Data):
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


class EditedData(Data):
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


class _RevisionData(Data):
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
