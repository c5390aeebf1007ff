"""Request bodies that are not read from the network faster than the route takes them.

Quart gathers what arrives in memory while a route is busy: an upload faster than the disk grows there.
Here the reader of the connection stops while `HIGH_WATER` bytes wait, Hypercorn's queue fills, and TCP tells
the client to slow down. Also here: a route may set its own limit (`limit_body`), and a client that is
refused in the middle of its upload still gets to read why.
"""

import asyncio
from collections.abc import Generator
from typing import Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent
from quart import Quart, Request
from quart.asgi import ASGIHTTPConnection
from quart.wrappers.request import Body
from werkzeug.exceptions import RequestEntityTooLarge

HIGH_WATER = 262_144
"""Bytes that wait for the route: one block of what is written to disk at once."""
LINGER = 2.0
"""Seconds during which the rest of a refused upload is read and thrown away before the connection is closed.

A socket closed with unread bytes is reset, and a browser then shows the reset instead of the answer.
"""


class PacedBody(Body):
    """A body with back-pressure. `limit` is in bytes of the whole body, None for none; iterating and awaiting
    raise `RequestEntityTooLarge` beyond it. It starts as Quart's `MAX_CONTENT_LENGTH`."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(None, None)
        self.limit = max_content_length
        self._expected = expected_content_length or 0
        self._received = 0
        self._gathering = False
        self._unwanted = False
        self._room = asyncio.Event()
        self._room.set()
        self._ended = asyncio.Event()

    def append(self, data: bytes) -> None:
        self._received += len(data)
        if self._unwanted:
            return
        if self._gathering and self._exceeds():
            self._data.clear()
            super().set_complete()  # Wakes who awaits the body, for the error.
        else:
            super().append(data)
        self._look_for_room()

    def set_complete(self) -> None:
        self._ended.set()
        super().set_complete()

    async def __anext__(self) -> bytes:
        self._check()
        data = await super().__anext__()
        self._check()
        self._look_for_room()
        return data

    def __await__(self) -> Generator[Any, None, Any]:
        self._check()
        self._gathering = True
        self._look_for_room()
        yield from self._complete.wait().__await__()
        self._check()
        return bytes(self._data)

    def discard(self) -> None:
        """Throw away what waits and what still arrives: the answer is on its way."""
        self._unwanted = True
        self._data.clear()
        self._look_for_room()

    async def room(self) -> None:
        """Wait until more bytes may be read from the network."""
        await self._room.wait()

    async def ended(self) -> None:
        """Wait until the last byte has arrived."""
        await self._ended.wait()

    def _look_for_room(self) -> None:
        if self._gathering or self._unwanted or len(self._data) < HIGH_WATER:
            self._room.set()
        else:
            self._room.clear()

    def _exceeds(self) -> bool:
        return self.limit is not None and max(self._expected, self._received) > self.limit

    def _check(self) -> None:
        if self._exceeds():
            raise RequestEntityTooLarge()


class PacedRequest(Request):
    """A Quart request whose `body` is a `PacedBody`."""

    body_class = PacedBody


class PacedConnection(ASGIHTTPConnection):
    """Reads from the client as fast as the route does, and lingers after an early answer."""

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        body = _paced(request)
        while True:
            await body.room()
            message = await receive()
            if message["type"] == "http.request":
                body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    body.set_complete()
            elif message["type"] == "http.disconnect":
                return

    async def handle_request(self, request: Request, send: ASGISendCallable) -> None:
        body = _paced(request)

        async def answer(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.start":
                body.discard()
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                await _linger(body)
            await send(message)

        await super().handle_request(request, answer)


def limit_body(request: Request, limit: int) -> None:
    """Let this request's body have up to `limit` bytes instead of Quart's `MAX_CONTENT_LENGTH`."""
    _paced(request).limit = limit


def _paced(request: Request) -> PacedBody:
    return cast(PacedBody, request.body)


async def _linger(body: PacedBody) -> None:
    """The whole answer is out, and its end, which closes a connection with unread bytes, is not."""
    try:
        async with asyncio.timeout(LINGER):
            await body.ended()
    except TimeoutError:
        return  # The client goes on sending: it is not listening, and the reset is its answer.


def pace_bodies(app: Quart) -> None:
    """Give an app these bodies; to be called before it serves."""
    app.asgi_http_class = PacedConnection
    app.request_class = PacedRequest
