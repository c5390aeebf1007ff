"""The words of the wire: what an envelope can be, and why a connection ends."""

from enum import IntEnum, StrEnum


class Code(StrEnum):
    """`code` of an envelope, in either direction."""

    JOIN = "join"
    LEAVE = "leave"
    CHAT = "chat"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    FEEDBACK = "feedback"
    TYPING = "typing"
    READ_RECEIPT = "read_receipt"
    PRESENCE = "presence"
    HISTORIC = "historic"
    STOP = "stop"
    REGENERATE = "regenerate"
    PING = "ping"

    HAITCH_CHAT = "haitch_chat"
    IDEA = "idea"
    DOCUMENTATION = "documentation"
    ENGINEERING = "engineering"

    CHAT_RESPONSE = "chat_response"
    HISTORIC_RESPONSE = "historic_response"
    PONG = "pong"
    SYSTEM = "system"

    BROADCAST = "broadcast"
    NOTIFICATION = "notification"
    LOGS = "logs"
    IDEA_RESPONSE = "idea_response"
    DOCUMENTATION_RESPONSE = "documentation_response"
    ENGINEERING_RESPONSE = "engineering_response"


SERVER_ONLY = frozenset(
    {
        Code.CHAT_RESPONSE,
        Code.HISTORIC_RESPONSE,
        Code.PONG,
        Code.SYSTEM,
        Code.BROADCAST,
        Code.NOTIFICATION,
        Code.LOGS,
        Code.IDEA_RESPONSE,
        Code.DOCUMENTATION_RESPONSE,
        Code.ENGINEERING_RESPONSE,
    }
)
"""Codes that a client may not send; broadcasts go through the HTTP API."""


REVISIONS = frozenset({Code.EDIT, Code.DELETE, Code.REACTION})
"""Codes of what is done to a message. Every other event of a room's log is a message, whatever its code:
the answers to requests of assistants have codes that only they know."""


class Status(StrEnum):
    """`status` of an outgoing envelope. `pending` is a piece of an answer, or a chat not confirmed yet."""

    SUCCESS = "success"
    ERROR = "error"
    PENDING = "pending"


class CloseCode(IntEnum):
    """Why the server ends a connection, and whether to come back."""

    RESTART = 1012
    """The server restarts. Reconnect after the delay in the reason (`retry_after=<seconds>`), and resume."""
    SLOW = 1013
    """The client reads more slowly than its rooms speak. Reconnect after the delay in the reason."""
    PROTOCOL = 1002
    """The client's frames break RFC 6455. Reconnecting does not help."""
    NOT_UTF8 = 1007
    """A text message was not UTF-8. Reconnecting does not help."""
    POLICY = 1008
    """The client abused the connection, or its user has too many. Do not reconnect."""
    TOO_BIG = 1009
    """A message exceeded the size limit. Do not reconnect to send it again."""
    INTERNAL = 1011
    """The server failed. Reconnect with a growing delay, and resume."""
    UNAUTHENTICATED = 4401
    """No token, a bad one, or one that has expired. Reconnect with a new token."""
    FORBIDDEN = 4403
    """This user may not connect here. Do not reconnect."""


class Presence(StrEnum):
    """A member's presence, as said by the member or found by the server."""

    ONLINE = "online"
    AWAY = "away"
    BUSY = "busy"
    OFFLINE = "offline"


class Kind(StrEnum):
    """What a member is."""

    HUMAN = "human"
    ASSISTANT = "assistant"


class RoomKind(StrEnum):
    """Who may join a room: anybody here, a team, those added, or a fixed few."""

    OPEN = "open"
    TEAM = "team"
    PRIVATE = "private"
    DIRECT = "direct"


class Stoppers(StrEnum):
    """Who may stop answers in a room, or ask for them anew; its creator and operators always may."""

    MEMBERS = "members"
    ASKER = "asker"


class GapReason(StrEnum):
    """Why a resume can not be continuous."""

    TRIMMED = "trimmed"
    """The missed events are older than the room's retention."""
    REWOUND = "rewound"
    """The store went back to an earlier state: what the client saw may not be in it."""
    TOO_MANY = "too_many"
    """More was missed than is replayed: page with `historic`."""
