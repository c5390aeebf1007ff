"""Typed requests: what a client asks of the assistant that owns a code.

Four codes are the protocol's own and have their models here. Any other is an assistant's, which registers it
with a JSON schema: the web process looks it up, and knows no more of it than that.
"""

import re
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from productflo.protocol.codes import Code
from productflo.protocol.ids import ForeignId, Id
from productflo.protocol.inbound import (
    MAX_FILES,
    MAX_METADATA_DEPTH,
    MAX_TEXT,
    InRoom,
    Metadata,
    depth,
)

MAX_REQUEST_BYTES = 65_536
"""Encoded size of a request's own fields without its query: every page of history repeats them."""
MAX_SOURCES = 10
"""Addresses that one request may have read: each costs up to some seconds."""
MAX_URL = 2_048
"""Characters of an address: what browsers and servers agree on."""

CODE = re.compile(r"[a-z][a-z0-9_]{1,47}")
"""A code that an assistant may register; `bom_check` is answered with `bom_check_response`."""
COMMON = frozenset({"sender", "message_id", "attached_files", "reply_to", "metadata"})
"""Fields that every request has, as a chat has them."""
RESERVED = COMMON | {"code", "assistant"}
"""Names that no field of a registered request may have: they mean something else beside it."""
QUERY = "query"
"""The field that is the message's text; a request without one is told by its fields."""


def _a_web_address(url: str) -> str:
    if not re.match(r"https?://[^\s/]", url, re.IGNORECASE):
        raise ValueError("must be an address that begins with https:// or http://")
    return url


Url = Annotated[str, StringConstraints(max_length=MAX_URL, strict=True), AfterValidator(_a_web_address)]
Query = Annotated[str, StringConstraints(max_length=MAX_TEXT, strict=True, pattern=r"\S")]
Sources = Annotated[
    list[Url],
    Field(max_length=MAX_SOURCES, description="Pages and documents for the assistant to read."),
]
DocType = Literal[
    "technical_specification",
    "bom",
    "dfm_analysis",
    "user_manual",
    "datasheet",
    "requirements",
    "test_plan",
    "engineering_drawing",
    "compliance_documentation",
]
Discipline = Literal["general", "cad", "dfm", "tolerances", "materials", "simulation", "testing"]


class RequestData(BaseModel):
    """What every request may say beside its own fields; ids, files and replies as in a chat."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sender: Id | None = Field(None, description="The same as `user_id`.")
    message_id: ForeignId | None = Field(None, description="Unique in the room. Unset: the server makes one.")
    attached_files: list[ForeignId] = Field(
        default_factory=list, max_length=MAX_FILES, description="File ids."
    )
    reply_to: ForeignId | None = Field(None, description="The `message_id` that this answers.")
    metadata: Metadata = Field(default_factory=dict, description="The client's own object, kept as it is.")

    @property
    def own(self) -> dict[str, Any]:
        """The request's own fields, those that were given, as they were given."""
        return self.model_dump(mode="json", exclude=set(COMMON), exclude_unset=True)

    @model_validator(mode="after")
    def _stays_small(self) -> Self:
        fields = {name: value for name, value in self.own.items() if name != QUERY}
        if depth(fields) > MAX_METADATA_DEPTH:
            raise ValueError(f"must not be nested deeper than {MAX_METADATA_DEPTH}")
        if len(orjson.dumps(fields)) > MAX_REQUEST_BYTES:
            raise ValueError(f"must not exceed {MAX_REQUEST_BYTES} bytes encoded, without the query")
        return self


class AnyRequestData(RequestData):
    """Of a code that an assistant registers: its schema says what else."""

    model_config = ConfigDict(extra="allow", frozen=True)


class HaitchChatData(RequestData):
    query: Query = Field(description="The question, as Markdown; the message that the room sees.")
    doc_type: Annotated[str, StringConstraints(max_length=64, strict=True)] | None = Field(
        None, description="The kind of document that it is about, such as `requirements`."
    )
    source_urls: Sources = Field(default_factory=list)


class IdeaData(RequestData):
    query: Query = Field(description="What ideas are wanted for; the message that the room sees.")
    count: int = Field(5, ge=1, le=20, strict=True, description="How many.")
    constraints: list[Annotated[str, StringConstraints(max_length=500, strict=True)]] = Field(
        default_factory=list, max_length=20, description="What every idea must keep to."
    )
    source_urls: Sources = Field(default_factory=list)


class DocumentationData(RequestData):
    query: Query = Field(description="What to document; the message that the room sees.")
    doc_type: DocType = Field(description="The kind of document.")
    title: Annotated[str, StringConstraints(max_length=200, strict=True)] | None = Field(
        None, description="Unset: the assistant finds one."
    )
    source_urls: Sources = Field(default_factory=list)


class EngineeringData(RequestData):
    query: Query = Field(description="The engineering question; the message that the room sees.")
    discipline: Discipline = Field("general", description="What to look at it with.")
    source_urls: Sources = Field(default_factory=list)


class Request(InRoom):
    """The envelope around every request. It is in the room's log as a message of its sender."""

    data: RequestData


class HaitchChat(Request):
    """Ask the assistant that owns `haitch_chat`. The answer is a `chat_response`."""

    code: Literal[Code.HAITCH_CHAT]
    data: HaitchChatData


class Idea(Request):
    """Ask for ideas. The answer is an `idea_response`."""

    code: Literal[Code.IDEA]
    data: IdeaData


class Documentation(Request):
    """Ask for a document. The answer is a `documentation_response` with the document as a Markdown file."""

    code: Literal[Code.DOCUMENTATION]
    data: DocumentationData


class Engineering(Request):
    """Ask for an engineer's look at something. The answer is an `engineering_response`."""

    code: Literal[Code.ENGINEERING]
    data: EngineeringData


class AnyRequest(Request):
    """A request with a code that an assistant of the room registered. The answer is a `<code>_response`."""

    code: str
    data: AnyRequestData


REQUESTS: dict[Code, type[Request]] = {
    Code.HAITCH_CHAT: HaitchChat,
    Code.IDEA: Idea,
    Code.DOCUMENTATION: Documentation,
    Code.ENGINEERING: Engineering,
}
"""The models of the protocol's own requests."""


def can_be_registered(code: object) -> bool:
    """Whether an assistant may own the code: a request's, or one that the protocol does not use."""
    if not isinstance(code, str) or not CODE.fullmatch(code) or code.endswith("_response"):
        return False
    return code in REQUESTS or code not in list(Code)


def answer_code(code: str | None) -> str:
    """The code of the answer to a message, given the code of the request in it, if it is one."""
    if code is None or code == Code.HAITCH_CHAT or not CODE.fullmatch(code):
        return Code.CHAT_RESPONSE
    return f"{code}_response"
