"""A model that says what a test wrote down, over the wire of OpenAI's Chat Completions.

The real client speaks to it over the loopback: what it makes of a refusal, of a break or of a tool call is
what it makes of them in a room.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

NOT_SCRIPTED = 400
"""The status for a call that the test did not expect: the client does not try it again."""
PROMPT_TOKENS = 7
"""What each answer is told to have used, so that tests can count on it."""
COMPLETION_TOKENS = 3


@dataclass(slots=True)
class Request:
    """What the assistant asked the model. `closed_early` tells that it left before the answer's end."""

    body: dict[str, Any]
    closed_early: bool = False

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.body["model"])

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, as it was sent."""
        return list(self.body["messages"])

    @property
    def tools(self) -> list[str]:
        """The names of the tools that were offered."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or ()]

    @property
    def text(self) -> str:
        """All texts of the conversation, below each other."""
        return "\n".join(_text(message.get("content")) for message in self.messages)


@dataclass(frozen=True, slots=True)
class _Reply:
    """One answer of the script: what is sent, and how it ends."""

    deltas: list[dict[str, Any]] = field(default_factory=list)
    end: Literal["stop", "tool_calls", "length", "break", "hang"] = "stop"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)


class ScriptedModel:
    """Answers its calls by the script, one step each, in the order in which the steps were written.

    A call without a step, and a step without a call, fail the test.
    """

    def __init__(self, asked: Callable[[], None] = lambda: None) -> None:
        self.requests: list[Request] = []
        self._script: list[_Reply] = []
        self._unexpected: list[Request] = []
        self._calls = 0
        self._asked = asked

    def says(self, *pieces: str) -> None:
        """Say these pieces."""
        self._script.append(_Reply([{"role": "assistant", "content": piece} for piece in pieces]))

    def calls_tool(self, name: str, arguments: Mapping[str, Any] | str = "{}") -> None:
        """Call a tool; arguments given as a string are sent as they are, be they JSON or not."""
        self.calls_tools((name, arguments))

    def calls_tools(self, *calls: tuple[str, Mapping[str, Any] | str]) -> None:
        """Call several tools at once, by name and arguments."""
        self._script.append(
            _Reply([{"tool_calls": [self._call(i, *call)]} for i, call in enumerate(calls)], "tool_calls")
        )

    def fails(
        self, status: int, *, retry_after: float | None = None, message: str = "no", code: str | None = None
    ) -> None:
        """Refuse with an HTTP status, such as 429, 401 or 500.

        `retry_after` is in seconds, which the assistant really waits: a fraction keeps the test quick.
        """
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        self._script.append(_Reply(status=status, headers=headers, error={"message": message, "code": code}))

    def breaks_off(self, after: str = "") -> None:
        """Say `after` and cut the connection, as a server that crashes does."""
        self._script.append(_Reply(_said(after), "break"))

    def runs_out(self, after: str = "") -> None:
        """Say `after` and end at the limit of tokens."""
        self._script.append(_Reply(_said(after), "length"))

    def hangs(self, after: str = "") -> None:
        """Say `after` and nothing more, until the assistant closes the connection."""
        self._script.append(_Reply(_said(after), "hang"))

    @property
    def unexpected(self) -> str | None:
        """What is wrong where the model was called without a step; None where it was not."""
        if not self._unexpected:
            return None
        last = _text(self._unexpected[0].messages[-1].get("content"))
        return (
            f"the model was called {len(self._unexpected)} time(s) more than the test scripts, first with "
            f"{last!r}; write room.model.says(...) before"
        )

    @property
    def unused(self) -> str | None:
        """What is wrong where steps are left; None where none is."""
        if not self._script:
            return None
        return f"the model was not called for {len(self._script)} step(s) of the script: {self._script}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Answer calls within the block, at the address that this gives; the loopback, any free port."""
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            await asyncio.gather(*tasks)  # The client has closed its side of each by now.

    def _call(self, index: int, name: str, arguments: Mapping[str, Any] | str) -> dict[str, Any]:
        self._calls += 1
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": written}
        return {"index": index, "id": f"call_{self._calls}", "type": "function", "function": function}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One call a connection."""
        try:
            request = Request(await _body(reader))
            self.requests.append(request)
            self._asked()
            leaving = asyncio.create_task(reader.read(1))
            try:
                await _answer(self._next(request), request, writer, leaving)
            finally:
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # A client that leaves early is what tests of stopping are about; `closed_early` tells it.
        finally:
            writer.close()

    def _next(self, request: Request) -> _Reply:
        if self._script:
            return self._script.pop(0)
        self._unexpected.append(request)
        return _Reply(status=NOT_SCRIPTED, error={"message": "The test scripts no more answers."})


def _said(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}] if text else []


def _text(content: object) -> str:
    """The text of a message's content, which may be in parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content if isinstance(content, str) else ""


async def _body(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lengths = [line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:")]
    body: dict[str, Any] = json.loads(await reader.readexactly(int(lengths[0])))
    return body


async def _answer(
    reply: _Reply, request: Request, writer: asyncio.StreamWriter, leaving: "asyncio.Task[bytes]"
) -> None:
    if reply.status != 200:
        return await _refuse(reply, writer)
    writer.write(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    for delta in reply.deltas:
        await _send(writer, {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        await asyncio.sleep(0)  # A piece each, as it comes from a model.
        if leaving.done():
            request.closed_early = True
            return None
    match reply.end:
        case "break":
            await asyncio.sleep(0)
            writer.transport.abort()
        case "hang":
            await asyncio.wait({leaving})
            request.closed_early = True
        case reason:
            for event in _ending(reason):
                await _send(writer, event)
            writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            await writer.drain()
    return None


def _ending(reason: str) -> Iterator[dict[str, Any]]:
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
    yield {"choices": [], "usage": usage | {"total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS}}


async def _send(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    head = {"id": "chunk", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    writer.write(_chunk(b"data: " + json.dumps(head | event).encode() + b"\n\n"))
    await writer.drain()


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


async def _refuse(reply: _Reply, writer: asyncio.StreamWriter) -> None:
    body = json.dumps({"error": reply.error}).encode()
    lines = [
        f"HTTP/1.1 {reply.status} Refused",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
