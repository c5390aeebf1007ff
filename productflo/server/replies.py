"""What a connection alone is told: answers to its envelopes, and what was wrong with them."""

from dataclasses import dataclass
from typing import Any, Protocol

from productflo import metrics
from productflo.errors import ErrorCode, ProductFloError
from productflo.protocol import inbound
from productflo.protocol.answers import System, SystemData
from productflo.protocol.codec import encode
from productflo.protocol.codes import Status
from productflo.protocol.envelope import Outbound
from productflo.server.connection import Connection, Frame
from productflo.service.clock import Clock, stamp

NOT_YET = "The store has not confirmed the message yet. Wait, or send it again as it is."


class Waiting(Protocol):
    """What is known of an event that the store has not confirmed."""

    @property
    def code(self) -> str:
        """Its envelope's."""

    @property
    def room_id(self) -> str:
        """Its envelope's."""

    @property
    def request_id(self) -> str | None:
        """Its envelope's."""

    @property
    def message_id(self) -> str | None:
        """Of the message that it is, or is about."""


@dataclass(slots=True)
class Replies:
    """Sends to one connection. `user` is None until it is known who speaks."""

    connection: Connection
    clock: Clock
    user: str | None = None

    def answer(self, envelope: Outbound) -> None:
        """Send an envelope."""
        self.connection.send(Frame(encode(envelope)))

    def head(self, said: inbound.Inbound) -> dict[str, Any]:
        """The fields of the envelope that answers this one."""
        return {
            "user_id": said.user_id,
            "room_id": said.room_id,
            "timestamp": stamp(self.clock),
            "request_id": said.request_id,
        }

    def refuse(self, error: ProductFloError, envelope: dict[str, Any], message_id: str | None = None) -> None:
        """Tell what was wrong, with what the client needs to find its own envelope again."""
        data = envelope.get("data")
        metrics.ERRORS.labels(error.code).inc()
        told_id = message_id or (data.get("message_id") if isinstance(data, dict) else None)
        self._tell(
            Status.ERROR,
            SystemData(
                code=error.code,
                message=error.message,
                request_code=short(envelope.get("code")),
                field=error.field,
                message_id=short(told_id),
                retry_after=error.retry_after,
            ),
            envelope.get("room_id"),
            envelope.get("request_id"),
        )

    def pending(self, said: Waiting, message: str = NOT_YET, retry_after: float | None = None) -> None:
        """The event may or may not be stored; with `retry_after` only sending it again will tell."""
        metrics.UNCONFIRMED.inc()
        self._tell(
            Status.PENDING,
            SystemData(
                code=ErrorCode.UNCONFIRMED,
                message=message,
                request_code=said.code,
                message_id=said.message_id,
                retry_after=retry_after,
            ),
            said.room_id,
            said.request_id,
        )

    def _tell(self, status: Status, data: SystemData, room: object, request: object) -> None:
        self.answer(
            System(
                status=status,
                user_id=self.user,
                room_id=short(room),
                timestamp=stamp(self.clock),
                request_id=short(request),
                data=data,
            )
        )


def short(value: object) -> str | None:
    """A client's own word, echoed; nothing that it could not have meant as one."""
    return value[:128] if isinstance(value, str) else None
