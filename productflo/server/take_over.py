"""Taking a WebSocket's socket over from Hypercorn and Quart after the upgrade.

They do what they are good at: HTTP, routing, the upgrade. Then the transport gets another protocol, and their
tasks for the connection end as if it had closed, once the route returns. The recipe was measured in
docs/adr/0015-the-socket-is-ours.md: 131 KB an idle connection before, under 7 after.
"""

import asyncio
from contextvars import Context

from hypercorn.protocol.ws_stream import ASGIWebsocketState
from quart import Websocket

from productflo.server.hypercorn_parts import HypercornParts, server_of
from productflo.server.wire import Wire


class ClientGone(Exception):
    """The client left, or spoke before it was upgraded, which Hypercorn has answered with 400."""


async def take_over(websocket: Websocket, parts: HypercornParts, address: str, max_message: int) -> Wire:
    """Accept, and return the connection, not started yet. Raises `ClientGone`.

    The route is to return soon after. When cancelled, the connection is closed.
    """
    transport = parts.transport
    transport.pause_reading()
    try:
        await asyncio.sleep(0)  # What came too early is Hypercorn's to refuse.
        if not parts.intact:
            raise ClientGone
        parts.stream.handshake.extensions = None  # No permessage-deflate: frames are made once for all.
        await websocket.accept()
        if not parts.upgraded:
            raise ClientGone
        return Context().run(_detach, parts, address, max_message)
    except BaseException:
        transport.close()
        raise


def _detach(parts: HypercornParts, address: str, max_message: int) -> Wire:
    wire = Wire(parts.transport, address, max_message, keep=parts.server.writer)
    parts.server.writer = NoWriter(parts.server.reader)  # type: ignore[assignment]
    parts.stream.state = ASGIWebsocketState.CLOSED  # It would make a close frame, for nobody.
    parts.transport.set_protocol(wire)
    return wire


def is_taken_over(asgi_send: object) -> bool:
    """Whether the WebSocket behind an ASGI `send` is none of the ASGI server's any more."""
    server = server_of(asgi_send)
    return isinstance(getattr(server, "writer", None), NoWriter)


class NoWriter:
    """Stands where Hypercorn's StreamWriter was: its tasks come to their end, and nothing is written."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    def write(self, data: bytes) -> None:
        """Hypercorn's own close frame, which is not to be sent."""

    def write_eof(self) -> None:
        """Hypercorn's end of what it sends."""

    async def drain(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """End the task that reads."""
        if not self._reader.at_eof():
            self._reader.feed_eof()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""
