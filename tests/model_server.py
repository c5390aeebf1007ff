"""A local model server that speaks OpenAI's streaming wire, one step at a time as a test says.

    async with ModelServer() as server:
        ...something asks server.url...
        exchange = await server.asked()          # the request is in `exchange.body`
        await exchange.say("Hello")              # one chunk
        await exchange.finish()                  # finish_reason, usage, [DONE]
        await exchange.disconnected.wait()       # the client has closed the connection

`server.play(script)` answers every request by itself instead, for tests that do not look at the model.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

MODEL = "scripted"
PATH = "/v1/chat/completions"
"""The only address that answers; any other is not found, as on a real server."""
PATIENCE = 10.0
"""Seconds that a test waits for a request before it fails."""

Script = Callable[["Exchange"], Awaitable[None]]


@dataclass(eq=False)
class Exchange:
    """One request, and the answer to it as it is being given."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter = field(repr=False)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: bool = False

    async def say(self, *pieces: str) -> None:
        """Send pieces of the answer, a chunk each."""
        for piece in pieces:
            await self.chunk({"role": "assistant", "content": piece})

    async def chunk(self, delta: dict[str, Any], finish: str | None = None) -> None:
        """Send one chunk with a delta as given."""
        await self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    async def call(
        self, name: str, arguments: str | dict[str, Any], call_id: str = "call", at: int = 0
    ) -> None:
        """Ask for a tool, in three chunks as OpenAI's server sends them: its name, and its JSON in halves."""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        begun = {"index": at, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        half = len(text) // 2
        more = [{"index": at, "function": {"arguments": part}} for part in (text[:half], text[half:])]
        for part in (begun, *more):
            await self.chunk({"tool_calls": [part]})

    async def event(self, content: dict[str, Any]) -> None:
        """Send one server-sent event."""
        head = {"id": "chunk", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        await self.raw(b"data: " + json.dumps(head | content).encode() + b"\n\n")

    async def raw(self, content: bytes) -> None:
        """Send bytes as they are, in the body."""
        if not self._begun:
            self._begun = True
            self.writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
        self.writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self.writer.drain()

    async def finish(
        self, reason: str | None = "stop", *, prompt_tokens: int = 7, completion_tokens: int = 3
    ) -> None:
        """End the answer; without a reason it ends as a broken server ends it, with nothing said."""
        if reason is not None:
            await self.chunk({}, reason)
            usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
            await self.event({"choices": [], "usage": usage | {"total_tokens": sum(usage.values())}})
            await self.raw(b"data: [DONE]\n\n")
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        self.over.set()

    async def refuse(self, status: int, error: dict[str, Any] | None = None, **headers: str) -> None:
        """Answer with an error; `Retry_After="2"` becomes the header Retry-After."""
        body = json.dumps({"error": error or {"message": "no"}}).encode()
        lines = [
            f"HTTP/1.1 {status} Refused",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()
        self.over.set()

    def break_off(self) -> None:
        """Cut the connection, as a server that crashes does."""
        self.writer.transport.abort()
        self.over.set()


class ModelServer:
    """Listens on a free port of the loopback; `url` ends with /v1."""

    def __init__(self) -> None:
        self.url = ""
        self.exchanges: list[Exchange] = []
        self._waiting: asyncio.Queue[Exchange] = asyncio.Queue()
        self._script: Script | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def asked(self, about: str = "") -> Exchange:
        """The next request whose last message has `about` in it; fails after 10 s without one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                exchange = await self._waiting.get()
                if about in str(exchange.body["messages"][-1]["content"]):
                    return exchange

    def play(self, script: Script) -> None:
        """Answer every request with a script from now on; they still come through `asked`."""
        self._script = script

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection, so that a connection's end says which answer it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            exchange = await _request(reader, writer)
            if exchange.path != PATH:
                await exchange.refuse(404, {"message": "Not Found"})
                return
            self.exchanges.append(exchange)
            self._waiting.put_nowait(exchange)
            await self._answer(exchange, reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a client that left before it had asked
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, exchange: Exchange, reader: asyncio.StreamReader) -> None:
        """Wait until the answer is over or the client has left; a client sends nothing meanwhile."""
        leaving = asyncio.create_task(reader.read(1))
        playing = asyncio.create_task(self._play(exchange))
        done, _ = await asyncio.wait({leaving, playing}, return_when=asyncio.FIRST_COMPLETED)
        if leaving in done:
            exchange.disconnected.set()
        leaving.cancel()
        playing.cancel()
        for outcome in await asyncio.gather(leaving, playing, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                raise outcome

    async def _play(self, exchange: Exchange) -> None:
        if self._script is not None:
            await self._script(exchange)
        await exchange.over.wait()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
    return Exchange(head[0].split(" ")[1], headers, body, writer)


def speaks(*pieces: str) -> Script:
    """A script that says the pieces and finishes."""

    async def script(exchange: Exchange) -> None:
        await exchange.say(*pieces)
        await exchange.finish()

    return script


def uses(*calls: tuple[str, str | dict[str, Any]], then: str) -> Script:
    """A script that asks for tools in its first round, all at once, and says something in the next."""

    async def script(exchange: Exchange) -> None:
        if tool_results(exchange):
            await exchange.say(then)
            await exchange.finish()
            return
        for at, (name, arguments) in enumerate(calls):
            await exchange.call(name, arguments, f"call_{at}", at)
        await exchange.finish("tool_calls")

    return script


def tool_results(exchange: Exchange) -> list[str]:
    """What the model is told of its calls, in the request's order."""
    return [message["content"] for message in exchange.body["messages"] if message["role"] == "tool"]


def request_texts(exchange: Exchange) -> Iterable[str]:
    """What the request's messages say, in order."""
    return [message["content"] for message in exchange.body["messages"]]
