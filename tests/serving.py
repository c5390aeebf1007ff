"""The doors of the product on a real Hypercorn, and a client that controls every byte that it sends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, request, websocket

from productflo.errors import Unauthenticated
from productflo.service.files import Files
from productflo.service.invites import Invites
from productflo.web.body import pace_bodies
from productflo.web.errors import register_errors
from productflo.web.files import files_blueprint
from productflo.web.guard import Guard
from productflo.web.sessions import sessions_blueprint

JSON_LIMIT = 1_000_000
BOUNDARY = "----boundary7f3a"


def doors(guard: Guard, files: Files | None = None, invites: Invites | None = None) -> Quart:
    """An app with nothing but the guard, files and sessions."""
    app = Quart("doors")
    app.config["MAX_CONTENT_LENGTH"] = JSON_LIMIT
    pace_bodies(app)
    register_errors(app)

    @app.before_request
    async def check_request() -> None:
        guard.check_source(request)

    @app.before_websocket
    async def check_websocket() -> None:
        guard.check_source(websocket)

    @app.post("/echo")
    async def echo() -> dict:
        return {"size": len(await request.get_data(as_text=False))}

    @app.post("/whoami")
    @app.get("/whoami")
    async def whoami() -> dict:
        identity = guard.require(request)
        return {"user_id": identity.user_id, "operator": identity.operator}

    @app.websocket("/ws")
    @app.websocket("/ws/secure")
    async def chat() -> None:
        try:
            identity = guard.identify(websocket)
        except Unauthenticated as error:
            await websocket.send(error.message)
            await websocket.close(4401)
            return
        await websocket.send(identity.user_id if identity else "nobody")

    if files is not None:
        app.register_blueprint(files_blueprint(files, guard))
    if invites is not None:
        app.register_blueprint(sessions_blueprint(invites, guard))
    return app


@asynccontextmanager
async def serving(app: Quart) -> AsyncIterator[int]:
    """The app on a free loopback port, which is yielded; stopped at the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]  # Hypercorn closes it.
    config.errorlog = None
    stop = asyncio.Event()
    running = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    try:
        yield port
    finally:
        stop.set()
        await running


class SlowUpload:
    """A form of one file, sent as its writer says. Use it as an async context manager."""

    def __init__(self, port: int, path: str = "/files", user: str = "ana", length: int | None = None) -> None:
        self._port = port
        framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
        self._chunked = length is None
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nX-User-Id: {user}\r\n{framing}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        ).encode()
        self.opening = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
        ).encode()
        self.closing = f"\r\n--{BOUNDARY}--\r\n".encode()

    async def __aenter__(self) -> "SlowUpload":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._head)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, data: bytes) -> None:
        """Send and wait for room in the socket."""
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        await self._writer.drain()

    async def end(self) -> None:
        """Say that nothing follows."""
        if self._chunked:
            self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def answer(self) -> bytes:
        """The whole answer's head and as much of its body as came with it."""
        return await self._reader.readuntil(b"\r\n\r\n") + await self._reader.read(65_536)
