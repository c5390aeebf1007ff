"""A model server that answers slowly and at length: `python -m benchmarks.model PIECES PIECES_PER_SECOND`.

It speaks the streaming wire of Chat Completions. Each piece begins with a mark that has the time in it, so
that the load generator sees how long it took on its way into the room. Prints `listening on PORT`.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass

NOBODY = 0xFFFFFF
"""The connection in a mark that is no client's."""
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
WORDS = " and so the ribs should be thicker, "


def marked(text: str) -> str:
    """A text with the mark that native/plan.c looks for."""
    return f"~{time.monotonic_ns():016x}{NOBODY:06x}~{text}"


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    content = {
        "id": "a",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "slow",
        "choices": [choice],
    }
    return _chunk(b"data: " + json.dumps(content).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Model:
    """Every answer has so many pieces, at so many a second."""

    pieces: int
    per_second: float

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, and the answer to it at its own pace. It ends early where the client leaves."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)
            writer.write(HEAD)
            for _ in range(self.pieces):
                writer.write(_event({"role": "assistant", "content": marked(WORDS)}))
                await writer.drain()
                await asyncio.sleep(1 / self.per_second)
            writer.write(_event({}, "stop") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # Whoever asked has gone.
        finally:
            writer.close()


async def main() -> None:
    """Serve until stopped."""
    model = Model(int(sys.argv[1]), float(sys.argv[2]))
    server = await asyncio.start_server(model.answer, "127.0.0.1", 0, backlog=1024)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
