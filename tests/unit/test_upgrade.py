"""Whatever is not Hypercorn over HTTP/1.1 is served all the same, over ASGI."""

import asyncio
from typing import Any

import pytest
from echo import MAX_MESSAGE, ours
from quart.testing.connections import WebsocketDisconnectError

from productflo.protocol.codes import CloseCode
from productflo.server.connection import Connection
from productflo.server.quart_connection import QuartConnection

PATIENCE_SECONDS = 20.0


@pytest.fixture
def live() -> set[Connection]:
    """The connections that are there."""
    return set()


@pytest.fixture
def client(live: set[Connection]) -> Any:
    """A client of an app that would own its sockets, on an ASGI server that has none: Quart's test client."""
    return ours(own=True, max_message=MAX_MESSAGE, live=live).test_client()


async def test_messages_go_both_ways(client: Any, live: set[Connection]) -> None:
    """Texts, an empty one too, and binary messages; then the client leaves."""
    async with client.websocket("/ws") as websocket:
        for message in ("hello", "", b"\xff"):
            await websocket.send(message)
            assert await asyncio.wait_for(websocket.receive(), PATIENCE_SECONDS) == message
        assert [type(one) for one in live] == [QuartConnection]
    assert live == set()


@pytest.mark.parametrize("message", [b"x" * (MAX_MESSAGE + 1), "é" * (MAX_MESSAGE // 2 + 1)])
async def test_a_message_that_is_too_large_closes(client: Any, message: str | bytes) -> None:
    """By its bytes, where the ASGI server has no such limit."""
    async with client.websocket("/ws") as websocket:
        await websocket.send(message)
        with pytest.raises(WebsocketDisconnectError) as told:
            await asyncio.wait_for(websocket.receive(), PATIENCE_SECONDS)
    assert told.value.args[0] == CloseCode.TOO_BIG


async def test_the_server_closes(client: Any, live: set[Connection]) -> None:
    """With its code."""
    async with client.websocket("/ws") as websocket:
        await websocket.send("hello")
        await websocket.receive()
        [connection] = live
        connection.close(CloseCode.RESTART, "again")
        with pytest.raises(WebsocketDisconnectError) as told:
            await asyncio.wait_for(websocket.receive(), PATIENCE_SECONDS)
    assert told.value.args[0] == CloseCode.RESTART
