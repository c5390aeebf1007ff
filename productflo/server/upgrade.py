"""From an HTTP upgrade to a `Connection`: on the socket itself where that can be had, else over ASGI."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypercorn.protocol.ws_stream import FrameTooLargeError, WebsocketBuffer
from quart import Websocket
from wsproto.events import Message

from productflo import metrics
from productflo.protocol.codes import CloseCode
from productflo.server.connection import CLOSE_TIMEOUT, Connection, Receiver
from productflo.server.hypercorn_parts import HypercornParts, parts_under
from productflo.server.quart_connection import QuartConnection
from productflo.server.take_over import ClientGone, take_over

Attend = Callable[[Connection], Receiver]
"""Given a new connection, who receives what it says. May send and close already."""


@dataclass(slots=True)
class Upgrade:
    """Upgrades WebSockets. `own` is whether sockets are taken over; `max_message` is in bytes."""

    own: bool
    max_message: int

    async def accept(self, websocket: Websocket, address: str, attend: Attend) -> None:
        """Accept, and carry the connection for as long as that needs the route's task.

        Where the client leaves before it is upgraded, nobody attends.
        """
        parts = parts_under(websocket)
        try:
            if self.own and parts:
                wire = await take_over(websocket, parts, address, self.max_message)
                wire.start(attend(wire))
            else:
                await _accept_guarded(websocket, parts, self.max_message)
                transport = parts.transport if parts else None
                connection = QuartConnection(websocket, address, self.max_message, transport)
                await connection.run(attend(connection))
        except ClientGone:
            return


async def _accept_guarded(websocket: Websocket, parts: HypercornParts | None, max_message: int) -> None:
    """Accept, with Hypercorn's holes closed where this is Hypercorn. Raises `ClientGone`."""
    if parts:
        parts.stream.handshake.extensions = None  # It would inflate without a bound: 58 KB to 60 MB.
        parts.stream.buffer = _BoundedBuffer(max_message, parts.transport)
    await websocket.accept()
    if parts and parts.stream.closed:
        parts.transport.close()
        raise ClientGone


class _BoundedBuffer(WebsocketBuffer):
    """Hypercorn's buffer for a message; a message that is too large is the last thing that is read.

    (Hypercorn closes with 1009 and goes on reading and keeping: 195 MB took 193.)
    """

    def __init__(self, max_length: int, transport: asyncio.Transport) -> None:
        super().__init__(max_length)
        self._transport = transport
        self._overflown = False

    def extend(self, event: Message[Any]) -> None:
        size = len(event.data.encode() if isinstance(event.data, str) else event.data)
        if not self._overflown and self.length + size <= self.max_length:
            super().extend(event)
            return
        self.clear()
        if not self._transport.is_closing():
            self._transport.pause_reading()
        if not self._overflown:
            self._overflown = True
            metrics.CLOSES.labels(CloseCode.TOO_BIG.value).inc()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._transport.abort)
        raise FrameTooLargeError
