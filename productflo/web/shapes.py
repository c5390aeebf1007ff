"""The JSON that the HTTP routes answer with, as `/openapi.json` describes it.

tests/integration/test_descriptions.py holds the answers of a running server against these, field by field.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel, WithJsonSchema

from productflo.errors import ErrorCode
from productflo.protocol.activity import Approval
from productflo.protocol.answers import MemberInfo
from productflo.protocol.codes import RoomKind, Stoppers
from productflo.web.files import UploadFields

Bytes = Annotated[bytes, WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})]


class ErrorShape(BaseModel):
    """What went wrong."""

    code: ErrorCode
    message: str = Field(description="A sentence that says what to do.")
    field: str | None = Field(None, description="The place in the request.")
    retry_after: float | None = Field(None, description="Seconds after which trying again can help.")


class ErrorAnswer(BaseModel):
    """Any answer from 400 on."""

    error: ErrorShape


class SessionAnswer(BaseModel):
    """Who is calling."""

    mode: Literal["open", "token"] = Field(description="Whether people are whoever they say.")
    user_id: str | None = Field(description="Null when nobody is signed in.")
    name: str | None
    teams: list[str]


class InvitationAnswer(BaseModel):
    """An invitation that nobody has used."""

    name: str
    expires_at: str = Field(description="UTC, milliseconds, `Z`.")


class TokenAnswer(BaseModel):
    """What one is let in with."""

    token: str = Field(description="A JWT, for `Authorization: Bearer`.")


class RoomAnswer(BaseModel):
    """A room as it was made."""

    room_id: str
    kind: RoomKind
    team: str | None
    product_id: str | None
    creator: str


class StandingAnswer(RoomAnswer):
    """A room, and where its reader stands in it."""

    last_seq: int
    read_seq: int
    unread: int
    member_count: int
    stoppers: Stoppers


class RoomsAnswer(BaseModel):
    """The caller's rooms."""

    rooms: list[StandingAnswer]


class MembersAnswer(BaseModel):
    """Everybody in a room."""

    members: list[MemberInfo]
    member_count: int


class CommandShape(BaseModel):
    """A word that calls an assistant: `/name` at the beginning of a message."""

    name: str
    description: str


class AssistantShape(BaseModel):
    """An assistant that a worker has loaded."""

    id: str
    name: str
    description: str
    on: list[str] = Field(description="What wakes it.")
    broken: str | None = Field(description="Why it can not answer now; null where it can.")
    commands: list[CommandShape]
    requests: list[str] = Field(description="Codes of typed requests that it answers.")


class AssistantsAnswer(BaseModel):
    """Every assistant that a worker has loaded."""

    assistants: list[AssistantShape]


class ListenerShape(BaseModel):
    """An assistant in a room."""

    id: str
    name: str
    description: str
    listens: Literal["mentions", "all", "off"]
    broken: str | None = Field(description="Why it can not answer now; null where it can.")
    commands: list[CommandShape]
    requests: list[str] = Field(description="Codes of typed requests that it answers.")


class ListenersAnswer(BaseModel):
    """The assistants of a room."""

    assistants: list[ListenerShape]


class OpenApproval(Approval):
    """An action that is waiting for a decision."""

    assistant: str = Field(description="Which asks.")
    message_id: str = Field(description="Of the answer in which it asks.")


class ApprovalsAnswer(BaseModel):
    """What assistants ask approval for, the oldest first."""

    approvals: list[OpenApproval]


class TeamsAnswer(BaseModel):
    """The ids of all teams."""

    teams: list[str]


class TeamAnswer(BaseModel):
    """A team and its members."""

    team: str
    members: list[str]


class UploadForm(UploadFields):
    """A file, and what is said about it."""

    file: Bytes


class FileAnswer(BaseModel):
    """What is known of a file."""

    id: str
    name: str
    size: int = Field(description="Bytes.")
    mime_type: str = Field(description="Found from the content.")
    created_at: str
    created_by: str
    product_id: str | None = None
    description: str | None = None
    tags: list[str] = Field(default_factory=list)
    url: str = Field(description="Where its bytes are.")


class RoomReport(BaseModel):
    """What became of a broadcast in one room."""

    status: Literal["success", "error"]
    seq: int | None = Field(None, description="Its place in the room, with `success`.")
    code: ErrorCode | None = Field(None, description="With `error`, as the next ones.")
    message: str | None = None
    field: str | None = None
    retry_after: float | None = None


class BroadcastAnswer(BaseModel):
    """What became of a broadcast."""

    message_id: str
    rooms: dict[str, RoomReport]


class StatusAnswer(BaseModel):
    """How the process is."""

    status: Literal["ok", "ready", "draining"]


class NotReadyAnswer(RootModel[StatusAnswer | ErrorAnswer]):
    """The process is stopping, or the store is away."""


class Document(BaseModel):
    """A description of this server."""

    model_config = {"extra": "allow"}

    info: dict[str, Any]
