"""The limit of Python on uvloop: frames go on as they came, and those of a turn of the loop at once.

`python raw_uvloop.py PORT`. Nothing is understood: it takes an unmasked payload out of a masked frame by its
length, so clients must mask with zeros. Not a server that anybody could use.
"""

import asyncio
import sys
from collections import defaultdict

import uvloop

SHORT, HEAD = 126, 6
"""Lengths below 126 stand in the second byte, others in two more; a head without them has 6 bytes."""

WELCOME = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x06joined"
)


class Room:
    """Members, and what they are to be told at the end of the turn."""

    def __init__(self) -> None:
        self.members: set[asyncio.Transport] = set()
        self.turn: list[bytes] = []

    def tell(self, frame: bytes) -> None:
        """Add a frame to the turn's."""
        if not self.turn:
            asyncio.get_running_loop().call_soon(self.flush)
        self.turn.append(frame)

    def flush(self) -> None:
        """Write the turn's frames to everybody, joined."""
        joined = b"".join(self.turn)
        self.turn.clear()
        for member in self.members:
            member.write(joined)


rooms: defaultdict[bytes, Room] = defaultdict(Room)


class Member(asyncio.Protocol):
    """One connection, in the room of its address."""

    def __init__(self) -> None:
        self.room: Room | None = None
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the room."""
        if self.room:
            self.room.members.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        """Take the handshake, then frames."""
        data = self.rest + data
        if self.room is None:
            head, _, data = data.partition(b"\r\n\r\n")
            self.room = rooms[head.split(b" ", 2)[1]]
            self.room.members.add(self.transport)
            self.transport.write(WELCOME)
        at = 0
        while len(data) - at >= HEAD + 2:
            size = data[at + 1] & 127
            start = at + HEAD
            if size == SHORT:
                size = int.from_bytes(data[at + 2 : at + 4])
                start += 2
            if len(data) < start + size:
                break
            length = bytes((0x81, size)) if start == at + HEAD else b"\x81\x7e" + data[at + 2 : at + 4]
            self.room.tell(length + data[start : start + size])
            at = start + size
        self.rest = data[at:]


async def main() -> None:
    """Serve until stopped."""
    server = await asyncio.get_running_loop().create_server(
        Member, "127.0.0.1", int(sys.argv[1]), backlog=1024
    )
    print("listening", flush=True)
    await server.serve_forever()


uvloop.run(main())
