"""The list of all that the server sends."""

from productflo.protocol.activity import (
    Joined,
    Left,
    Notification,
    Piece,
    PresenceCount,
    PresenceNotice,
    ReadReceiptNotice,
    TypingNotice,
)
from productflo.protocol.answers import FeedbackTaken, HistoricResponse, JoinAnswer, Pong, System
from productflo.protocol.envelope import Outbound
from productflo.protocol.messages import (
    ChatResponse,
    Deleted,
    DeletedMessage,
    Edited,
    Reacted,
    RequestResponse,
)

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
