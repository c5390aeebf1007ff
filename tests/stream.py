"""Streams of WebSocket frames, right and wrong, and what two readings of them say: ours and wsproto's.

As a program it compares many: `python tests/stream.py 20000`, which takes about a minute.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # This checkout's productflo, whichever is installed.

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from productflo.protocol import frames
from productflo.protocol.frames import Parser, ProtocolViolation

TEXTS = ("", "a", "hello world", "grüße", "日本語", "😀😀", "x" * 130, "é" * 70)
LIMIT = 1 << 20


@dataclass
class Reading:
    """What was found: messages and pings in their order, and how the stream ended, if it did."""

    found: list[tuple[int, str | bytes]] = field(default_factory=list)
    code: int | None = None


def ours(chunks: Sequence[bytes]) -> Reading:
    """As the product reads."""
    reading, parser = Reading(), Parser(LIMIT)
    try:
        for chunk in chunks:
            parser.feed(chunk)
            while (event := parser.next()) is not None:
                opcode, payload = event
                if opcode == frames.CLOSE:
                    assert isinstance(payload, bytes)
                    reading.code = frames.close_code(payload)
                    return reading
                reading.found.append(event)
    except ProtocolViolation as violation:
        reading.code = int(violation.code)
    return reading


def theirs(chunks: Sequence[bytes]) -> Reading:
    """As wsproto reads."""
    reading, connection, parts = Reading(), Connection(ConnectionType.SERVER), []
    for chunk in chunks:
        connection.receive_data(chunk)
        for event in connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    parts.append(event.data)
                    if event.message_finished:
                        text = isinstance(event, TextMessage)
                        whole = "".join(parts) if text else b"".join(bytes(part) for part in parts)
                        reading.found.append((frames.TEXT if text else frames.BINARY, whole))
                        parts = []
                case Ping():
                    reading.found.append((frames.PING, bytes(event.payload)))
                case Pong():
                    reading.found.append((frames.PONG, bytes(event.payload)))
                case CloseConnection():
                    reading.code = int(event.code)
                    return reading
    return reading


class Streams:
    """Makes streams by chance; the same of a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - nobody gains by guessing it

    def frame(self, opcode: int, payload: bytes, **odd: int) -> bytes:
        """A client's frame; `final`, `reserved`, `masked` and `width` (of its length) may be odd."""
        final, reserved = odd.get("final", 1), odd.get("reserved", 0)
        size, mask = len(payload), 0x80 * odd.get("masked", 1)
        width = odd.get("width", 0 if size < 126 else 2 if size < 65_536 else 8)
        head = bytearray([0x80 * final | reserved | opcode])
        head += (
            bytes([mask | {0: min(size, 125), 2: 126, 8: 127}[width]]) + size.to_bytes(8, "big")[8 - width :]
        )
        if not mask:
            return bytes(head) + payload
        key = self.chance.randbytes(4)
        return bytes(head) + key + bytes(byte ^ key[at & 3] for at, byte in enumerate(payload))

    def stream(self) -> bytes:
        """A few messages, of which one may be wrong; sometimes cut off."""
        chance = self.chance
        parts = [self._right() for _ in range(chance.randint(1, 8))]
        if chance.random() < 0.45:
            parts.insert(chance.randint(0, len(parts)), self._wrong())
        stream = b"".join(parts)
        return stream[: chance.randint(0, len(stream))] if chance.random() < 0.1 else stream

    def split(self, stream: bytes) -> list[bytes]:
        """The stream as it might be read from a socket."""
        if len(stream) < 3000 and self.chance.random() < 0.15:
            return [stream[at : at + 1] for at in range(len(stream))]
        return self._cut(stream, 12)

    def _cut(self, data: bytes, pieces: int) -> list[bytes]:
        cuts = sorted(self.chance.randint(0, len(data)) for _ in range(self.chance.randint(0, pieces)))
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    def _right(self) -> bytes:
        chance, kind = self.chance, self.chance.random()
        if kind < 0.35:
            return self.frame(frames.TEXT, chance.choice(TEXTS).encode())
        if kind < 0.5:
            return self.frame(
                frames.BINARY, chance.randbytes(chance.choice((0, 1, 40, 125, 126, 200, 65_536)))
            )
        if kind < 0.75:
            return self._in_fragments()
        if kind < 0.93:
            return self.frame(
                chance.choice((frames.PING, frames.PONG)), chance.randbytes(chance.randint(0, 125))
            )
        return self.frame(
            frames.CLOSE, chance.choice((b"", b"\x03\xe8", b"\x03\xe9bye", b"\x0f\xa0" + "ü".encode()))
        )

    def _in_fragments(self) -> bytes:
        chance = self.chance
        opcode = chance.choice((frames.TEXT, frames.BINARY))
        text = "".join(chance.choices(TEXTS, k=3)).encode()
        pieces = self._cut(text if opcode == frames.TEXT else chance.randbytes(60), 4)
        told = b""
        for at, piece in enumerate(pieces):
            told += self.frame(opcode if at == 0 else 0, piece, final=int(at == len(pieces) - 1))
            if at < len(pieces) - 1 and chance.random() < 0.3:
                told += self.frame(frames.PING, chance.randbytes(chance.randint(0, 125)))
        return told

    def _wrong(self) -> bytes:
        chance, some = self.chance, self.chance.randbytes(self.chance.randint(0, 20))
        return chance.choice(
            (
                self.frame(frames.TEXT, b"\xff\xfe" + some),
                self.frame(frames.CONTINUATION, some),
                self.frame(frames.TEXT, b"a", final=0) + self.frame(frames.TEXT, b"b"),
                self.frame(chance.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), some),
                self.frame(frames.TEXT, b"abc", reserved=chance.choice((16, 32, 64, 112))),
                self.frame(frames.TEXT, b"abc", masked=0),
                self.frame(frames.PING, b"x" * 126),
                self.frame(frames.PING, b"x", final=0),
                self.frame(frames.CLOSE, chance.choice((b"\x03", b"\x03\xe8\xff\xff"))),
                self.frame(frames.CLOSE, chance.randint(0, 5500).to_bytes(2, "big")),
                self.frame(frames.TEXT, b"ab", width=chance.choice((2, 8))),
                self.frame(frames.TEXT, b"\xc3", final=0) + self.frame(0, b"z", final=chance.randint(0, 1)),
                chance.randbytes(chance.randint(1, 30)),
            )
        )


def disagreement(streams: Streams) -> str | None:
    """Read one more stream in both ways, and ours in two splittings; what is different, if anything is.

    Where a stream is wrong, the two may find a different fault first, but both find one, after the same
    messages. Where a stream is cut off, one may have found it already: ours looks at a text when its frame is
    whole, wsproto byte by byte; ours refuses a frame by its first two bytes, wsproto by its whole head.
    """
    stream = streams.stream()
    whole, split, wsproto = ours([stream]), ours(streams.split(stream)), theirs(streams.split(stream))
    if whole != split:
        return f"read differently when split: {stream.hex()}"
    if whole.found != wsproto.found:
        return f"other messages than wsproto's {wsproto.found}: {whole.found} in {stream.hex()}"
    if (whole.code is None and wsproto.code not in (None, 1007)) or (
        whole.code != wsproto.code and is_whole(whole)
    ):
        return f"ends with {whole.code}, wsproto with {wsproto.code}: {stream.hex()}"
    return None


def is_whole(reading: Reading) -> bool:
    """Whether the client closed as it should, of which there is one way only to read it."""
    return reading.code is not None and reading.code not in (1002, 1007)


def main(count: int, seed: int = 1) -> None:
    """Compare so many; end at the first disagreement."""
    streams = Streams(seed)
    for number in range(count):
        if problem := disagreement(streams):
            sys.exit(f"stream {number}: {problem}")
    print(f"{count} streams: read the same however they are split, and as wsproto reads them")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
