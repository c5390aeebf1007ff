"""A web server for tests of what reads pages."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A web server that answers each path as a test says; `asked` has the requests, whole."""

    def __init__(self, scheme: str = "http") -> None:
        self.paths: dict[str, bytes | Answer] = {}
        self.asked: list[str] = []
        self.left = asyncio.Event()
        self.port = 0
        self._scheme = scheme

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        """Answer a path with a body."""
        self.paths[path] = _response("200 OK", body, Content_Type=kind, **headers)

    def move(self, path: str, to: str) -> None:
        """Redirect a path."""
        self.paths[path] = _response("302 Found", b"", Location=to)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            answer = self.paths.get(head.split(" ")[1], _response("404 Not Found", b""))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(head, writer)
        except ConnectionError:
            self.left.set()
        finally:
            writer.close()


def _response(status: str, body: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def site(
    tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Site]:
    """Serve on this machine, over TLS where it is given."""
    served = Site("https" if tls else "http")
    server = await asyncio.start_server(served.serve, host, port, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    yield served
    server.close()
