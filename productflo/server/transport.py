"""The socket under a WebSocket that Hypercorn serves.

ASGI has no word for dropping a connection: its `close` waits behind whatever the client does not read. So the
transport is reached through objects of Quart and Hypercorn, whose types are checked on the way;
`tests/faults/test_slow_reader.py` fails where new versions of them are built otherwise.
"""

import asyncio
from functools import partial
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import WSStream
from quart import Websocket


def transport_of(asgi_send: Any) -> asyncio.WriteTransport | None:
    """What carries the WebSocket of this ASGI `send`; None on another server, or over HTTP/2 (shared)."""
    stream = getattr(asgi_send, "__self__", None)
    protocol = getattr(stream.send, "__self__", None) if isinstance(stream, WSStream) else None
    server = getattr(protocol.send, "__self__", None) if isinstance(protocol, H11Protocol) else None
    return server.writer.transport if isinstance(server, TCPServer) else None


def transport_under(websocket: Websocket) -> asyncio.WriteTransport | None:
    """What carries this WebSocket of Quart's; None as above."""
    send = getattr(websocket, "_send", None)
    return transport_of(send.args[0]) if isinstance(send, partial) and send.args else None
