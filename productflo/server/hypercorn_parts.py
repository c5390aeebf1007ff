"""Hypercorn's and Quart's objects under a WebSocket, found through each other and checked on the way.

ASGI has no word for what a chat needs of its socket: to be bounded, to be dropped, to be taken over. These
are not public names, so their versions are pinned (`TRIED`), `tests/unit/test_hypercorn_parts.py` fails where
they are built otherwise, and what is not as expected is not touched.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol, H11WSConnection
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from quart import Websocket

TRIED = {"hypercorn": "0.18", "quart": "0.22"}
"""The versions that this was read and tried with."""


@dataclass(frozen=True, slots=True)
class HypercornParts:
    """What serves one WebSocket over HTTP/1.1, from the inside out."""

    stream: WSStream
    http: H11WSConnection
    server: TCPServer
    transport: Any  # an asyncio.Transport by its methods; uvloop's are no instances of it

    @property
    def intact(self) -> bool:
        """Whether the client is there and has said nothing that Hypercorn took in.

        What comes before the 101 is answered by Hypercorn with 400, of which Quart hears nothing.
        """
        reader = self.server.reader
        unread = self.http.buffer or reader._buffer  # type: ignore[attr-defined]
        gone = self.transport.is_closing() or reader.at_eof()
        return not (self.stream.closed or unread or gone)

    @property
    def upgraded(self) -> bool:
        """Whether the 101 is on its way, and nothing has gone wrong."""
        return self.stream.state is ASGIWebsocketState.CONNECTED and self.intact


def parts_under(websocket: Websocket) -> HypercornParts | None:
    """What serves this WebSocket of Quart's; None as below."""
    send = getattr(websocket, "_send", None)
    return parts_of(send.args[0]) if isinstance(send, partial) and send.args else None


def parts_of(asgi_send: Any) -> HypercornParts | None:
    """The parts behind an ASGI `send`.

    None on another ASGI server, over HTTP/2 (whose socket is shared), and where they are of another version.
    """
    server = server_of(asgi_send)
    if server is None or type(server.writer) is not asyncio.StreamWriter:
        return None
    stream = _owner(asgi_send, WSStream)
    http = _owner(stream.send, H11Protocol).connection
    if type(http) is not H11WSConnection:
        return None
    return HypercornParts(stream, http, server, server.writer.transport)


def server_of(asgi_send: Any) -> TCPServer | None:
    """Hypercorn's server of the one connection behind an ASGI `send`; None as above."""
    stream = _owner(asgi_send, WSStream)
    protocol = _owner(getattr(stream, "send", None), H11Protocol)
    server: TCPServer | None = _owner(getattr(protocol, "send", None), TCPServer)
    return server


def _owner(method: Any, kind: type[Any]) -> Any:
    """The object that a bound method belongs to, if it is exactly of this kind."""
    owner = getattr(method, "__self__", None)
    return owner if type(owner) is kind else None
