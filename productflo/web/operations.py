"""Every HTTP route in a line or two: what `/openapi.json` is made of.

tests/unit/test_descriptions.py fails when the application has a route that is not here, or the reverse.
"""

from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel

from productflo.protocol.activity import Approval
from productflo.protocol.answers import HistoricResponseData
from productflo.web.approvals import Deciding
from productflo.web.broadcast import NewBroadcast
from productflo.web.login import Credentials
from productflo.web.rooms import Listening, NewRoom, Page, RoomSettings
from productflo.web.shapes import (
    ApprovalsAnswer,
    AssistantsAnswer,
    BroadcastAnswer,
    Document,
    ErrorAnswer,
    FileAnswer,
    InvitationAnswer,
    ListenersAnswer,
    MembersAnswer,
    NotReadyAnswer,
    RoomAnswer,
    RoomsAnswer,
    SessionAnswer,
    StandingAnswer,
    StatusAnswer,
    TeamAnswer,
    TeamsAnswer,
    TokenAnswer,
    UploadForm,
)
from productflo.web.teams import TeamMembers

HTML = "text/html"
BYTES = "application/octet-stream"
TEXT = "text/plain"

Content = type[BaseModel] | str | None
"""A model of JSON, the media type of anything else, or None for no content."""


class Caller(Enum):
    """Who may call."""

    ANYBODY = "anybody, known or not"
    USER = "a user, or a service"
    SERVICE = "a service"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a route. `answer` is its content where it succeeds, with `status`; else it is `failure`."""

    call: str
    name: str
    summary: str
    answer: Content
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    caller: Caller = Caller.USER
    failure: type[BaseModel] = ErrorAnswer

    @property
    def method(self) -> str:
        """`GET`, `POST`, `PUT` or `DELETE`."""
        return self.call.partition(" ")[0]

    @property
    def rule(self) -> str:
        """The route as Quart has it: `/r/<room_id>`."""
        return self.call.partition(" ")[2]


_ROOM = "/api/rooms/<room_id>"
_TEAM = "/api/teams/<team>"

ROOMS = (
    Operation("GET /api/rooms", "list_rooms", "One's own rooms.", RoomsAnswer),
    Operation("POST /api/rooms", "make_room", "Make a room.", RoomAnswer, 201, NewRoom),
    Operation(f"GET {_ROOM}", "get_room", "A room, and where one stands in it.", StandingAnswer),
    Operation(
        f"PATCH {_ROOM}", "change_room", "Say who may stop answers in a room.", None, 204, RoomSettings
    ),
    Operation(f"GET {_ROOM}/members", "list_members", "Everybody in a room.", MembersAnswer),
    Operation(f"PUT {_ROOM}/members/<user_id>", "add_member", "Add a person to a room.", None, 204),
    Operation(
        f"DELETE {_ROOM}/members/<user_id>",
        "remove_member",
        "End a membership and its subscriptions.",
        None,
        204,
    ),
    Operation(
        f"GET {_ROOM}/messages", "list_messages", "A page of history.", HistoricResponseData, query=Page
    ),
    Operation(
        f"GET {_ROOM}/assistants", "list_room_assistants", "The assistants of a room.", ListenersAnswer
    ),
    Operation(
        f"PUT {_ROOM}/assistants/<assistant>",
        "add_assistant",
        "Add an assistant to a room, or change what it listens to.",
        None,
        204,
        Listening,
    ),
    Operation(
        f"DELETE {_ROOM}/assistants/<assistant>",
        "remove_assistant",
        "Take an assistant out of a room.",
        None,
        204,
    ),
    Operation(
        f"GET {_ROOM}/approvals", "list_approvals", "What assistants ask approval for.", ApprovalsAnswer
    ),
    Operation(
        f"POST {_ROOM}/approvals/<approval_id>",
        "decide_on_approval",
        "Approve or deny an action, once: who asked for it, the room's creator, operators.",
        Approval,
        body=Deciding,
    ),
    Operation("GET /api/assistants", "list_assistants", "Every loaded assistant.", AssistantsAnswer),
    Operation(
        "POST /api/broadcast",
        "broadcast",
        "Say something in several rooms at once.",
        BroadcastAnswer,
        body=NewBroadcast,
        caller=Caller.SERVICE,
    ),
)

TEAMS = (
    Operation("GET /api/teams", "list_teams", "The ids of all teams.", TeamsAnswer),
    Operation(f"GET {_TEAM}", "get_team", "A team's members.", TeamAnswer),
    Operation(f"PUT {_TEAM}", "put_team", "Make a team, or set its members.", TeamAnswer, body=TeamMembers),
    Operation(f"DELETE {_TEAM}", "delete_team", "End a team.", None, 204),
    Operation(f"PUT {_TEAM}/members/<user_id>", "add_to_team", "Add a person to a team.", None, 204),
    Operation(
        f"DELETE {_TEAM}/members/<user_id>", "remove_from_team", "Remove a person from a team.", None, 204
    ),
)

FILES = (
    Operation("POST /files", "upload", "Upload a file.", FileAnswer, 201, UploadForm),
    Operation("POST /files/upload", "upload_too", "The same as `POST /files`.", FileAnswer, 201, UploadForm),
    Operation("GET /files/<file_id>", "get_file", "What is known of a file.", FileAnswer),
    Operation("GET /files/<file_id>/download", "download", "A file's bytes, to be saved.", BYTES),
)

SESSIONS = (
    Operation("GET /api/session", "get_session", "Who one is.", SessionAnswer, caller=Caller.ANYBODY),
    Operation(
        "GET /api/invites/<code>",
        "look_at_invitation",
        "For whom an invitation is.",
        InvitationAnswer,
        caller=Caller.ANYBODY,
    ),
    Operation(
        "POST /api/invites/<code>",
        "accept_invitation",
        "Use an invitation up; sets the cookie.",
        SessionAnswer,
        caller=Caller.ANYBODY,
    ),
    Operation(
        "POST /auth/login",
        "log_in",
        "Sign in with a password; sets a page's cookie.",
        TokenAnswer,
        body=Credentials,
        caller=Caller.ANYBODY,
    ),
    Operation("POST /auth/logout", "log_out", "Forget the cookie.", None, 204, caller=Caller.ANYBODY),
)

SERVER = (
    Operation(
        "GET /healthz", "is_alive", "Whether the process answers.", StatusAnswer, caller=Caller.ANYBODY
    ),
    Operation(
        "GET /readyz",
        "is_ready",
        "Whether it can serve.",
        StatusAnswer,
        caller=Caller.ANYBODY,
        failure=NotReadyAnswer,
    ),
    Operation("GET /metrics", "metrics", "What was counted, for Prometheus.", TEXT, caller=Caller.SERVICE),
    Operation(
        "GET /openapi.json", "describe_http", "This document: the HTTP side.", Document, caller=Caller.ANYBODY
    ),
    Operation(
        "GET /asyncapi.json",
        "describe_websocket",
        "The WebSocket side, as AsyncAPI.",
        Document,
        caller=Caller.ANYBODY,
    ),
    Operation("GET /", "page", "The page.", HTML, caller=Caller.ANYBODY),
    Operation("GET /r/<room_id>", "page_of_room", "The page, at a room.", HTML, caller=Caller.ANYBODY),
    Operation(
        "GET /invite/<code>", "page_of_invitation", "The page, at an invitation.", HTML, caller=Caller.ANYBODY
    ),
    Operation("GET /static/<path:name>", "asset", "An asset of the page.", BYTES, caller=Caller.ANYBODY),
)

OPERATIONS = {"Rooms": ROOMS, "Teams": TEAMS, "Files": FILES, "Sessions": SESSIONS, "Server": SERVER}
"""Every operation, by the section of docs/reference/http.md."""
