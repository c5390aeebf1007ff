"""What a client sends: one model a code.

Unknown fields are ignored, so that a client of a later version is understood; everything known is
checked strictly (a number is not a string). The reference documentation is made from these models.
"""

import unicodedata
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
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
MAX_EMOJI_BYTES = 64
"""UTF-8 bytes of a reaction: the longest emoji of Unicode 17 has 35, a name such as `:thumbs_up:` some 20."""
MAX_COMMENT = 2_000
"""Characters of a comment on an answer."""

RequestId = Annotated[str, StringConstraints(max_length=64, strict=True)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT, strict=True)]
Seq = Annotated[int, Field(ge=0, le=2**53 - 1, strict=True)]


def broken_rule(field: str, reason: str) -> PydanticCustomError:
    """A rule over several fields, told of the one to mend."""
    return PydanticCustomError("broken_rule", "{reason}", {"field": field, "reason": reason})


def depth(value: object) -> int:
    """How deep objects and lists lie within each other; level by level, for any depth."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _stays_small(metadata: dict[str, Any]) -> dict[str, Any]:
    if depth(metadata) > MAX_METADATA_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_METADATA_DEPTH}")
    if len(orjson.dumps(metadata)) > MAX_METADATA_BYTES:
        raise ValueError(f"must not exceed {MAX_METADATA_BYTES} bytes encoded")
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_stays_small)]

_NO_EMOJI = frozenset({"Cc", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Unicode categories that show nothing, or no two readers the same."""
_JOINERS = frozenset({"\u200d", *map(chr, range(0xE0020, 0xE0080))})
"""Signs without a look of their own that emoji are made with: the joiner, and the tags of flags."""


def _shows_something(emoji: str) -> str:
    if len(emoji.encode()) > MAX_EMOJI_BYTES:
        raise ValueError(f"must not exceed {MAX_EMOJI_BYTES} bytes: send one emoji, or a short name")
    for sign in emoji:
        category = unicodedata.category(sign)
        if category in _NO_EMOJI or (category == "Cf" and sign not in _JOINERS) or sign in '"\\':
            raise ValueError("must be one emoji or a short name: no spaces, quotes or control characters")
    return emoji


Emoji = Annotated[str, StringConstraints(min_length=1, strict=True), AfterValidator(_shows_something)]


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
    metadata: Metadata = Field(default_factory=dict, description="The client's own object, kept as it is.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.message.strip() and not self.attached_files:
            raise broken_rule("message", "must not be empty unless a file is attached")
        return self


class _AboutMessage(_Spoken):
    message_id: ForeignId = Field(description="Of a message of the room.")


class EditData(_AboutMessage):
    message: Text = Field(description="The text in place of the old one, as Markdown; not empty.")

    @field_validator("message")
    @classmethod
    def _says_something(cls, message: str) -> str:
        if not message.strip():
            raise ValueError("must not be empty; delete the message instead")
        return message


class DeleteData(_AboutMessage):
    pass


class ReactionData(_AboutMessage):
    emoji: Emoji = Field(description="One emoji, or a short name; at most 64 bytes.")
    action: Literal["add", "remove"]


class FeedbackData(_AboutMessage):
    rating: Literal["up", "down"]
    comment: Annotated[str, StringConstraints(max_length=MAX_COMMENT, strict=True)] | None = None


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
            raise broken_rule("before", "give before or after, not both")
        return self


class StopData(_Model):
    message_id: ForeignId | None = Field(
        None,
        description="The answer's. A waiting question's withdraws it; an old answer's withdraws the one "
        "that is to be given anew.",
    )
    run_id: ForeignId | None = Field(None, description="The run's id.")

    @model_validator(mode="after")
    def _names_an_answer(self) -> Self:
        if (self.message_id is None) == (self.run_id is None):
            raise broken_rule("message_id", "give message_id or run_id, and not both")
        return self


class RegenerateData(_Model):
    message_id: ForeignId = Field(description="Of an assistant's answer.")


class PingData(_Model):
    pass


class Inbound(_Model):
    """The envelope around every `data`."""

    code: str
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


class Edit(InRoom):
    """Change the text of one's own message. `request_id` names the edit: sent again, it is done once."""

    code: Literal[Code.EDIT]
    data: EditData


class Delete(InRoom):
    """Delete one's own message; any message by the room's creator. `request_id` as with `edit`."""

    code: Literal[Code.DELETE]
    data: DeleteData


class Reaction(InRoom):
    """Add a reaction to a message, or take one's own back. `request_id` as with `edit`."""

    code: Literal[Code.REACTION]
    data: ReactionData


class Feedback(InRoom):
    """Rate an assistant's message, for the operators; a later rating replaces the one before."""

    code: Literal[Code.FEEDBACK]
    data: FeedbackData


class Typing(InRoom):
    """Tell the others that one is writing; ends by itself after 6 seconds unless repeated."""

    code: Literal[Code.TYPING]
    data: TypingData


class ReadReceipt(InRoom):
    """Move one's read mark forward to a message."""

    code: Literal[Code.READ_RECEIPT]
    data: ReadReceiptData


class SetPresence(Inbound):
    """Say whether one is there: everywhere, or in one room until the next word for everywhere.

    It ends when one goes offline. What changes nothing is answered to its sender alone.
    """

    code: Literal[Code.PRESENCE]
    data: PresenceData


class Historic(InRoom):
    """Ask for a page of a room's history."""

    code: Literal[Code.HISTORIC]
    data: HistoricData


class Stop(InRoom):
    """Stop an assistant's answer; what it said so far stays. Or withdraw a question, or an answer
    that is to be given anew, before its turn comes.

    Any member may; where the room says so, only who asked, its creator and operators. Of an answer that has
    ended already the asker alone gets the message.
    """

    code: Literal[Code.STOP]
    data: StopData


class Regenerate(InRoom):
    """Have the same question answered again, in a message of its own. Whoever may stop the answer may.

    Sent again while it waits, it is done once. `CONFLICT`: it is still being written, or its question gone.
    """

    code: Literal[Code.REGENERATE]
    data: RegenerateData


class Ping(Inbound):
    """Ask whether the server is there. The answer follows those to all that this connection said before."""

    code: Literal[Code.PING]
    data: PingData


INBOUND: dict[Code, type[Inbound]] = {
    Code.JOIN: Join,
    Code.LEAVE: Leave,
    Code.CHAT: Chat,
    Code.EDIT: Edit,
    Code.DELETE: Delete,
    Code.REACTION: Reaction,
    Code.FEEDBACK: Feedback,
    Code.TYPING: Typing,
    Code.READ_RECEIPT: ReadReceipt,
    Code.PRESENCE: SetPresence,
    Code.HISTORIC: Historic,
    Code.STOP: Stop,
    Code.REGENERATE: Regenerate,
    Code.PING: Ping,
}
"""The model of every code that a client may send."""
