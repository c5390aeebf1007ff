"""A WebSocket client without manners: a bare socket that sends what it likes and reads when it is told to."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from chatting import PATIENCE_SECONDS

CONTINUATION, TEXT, CLOSE, PING = 0x0, 0x1, 0x8, 0x9
RECEIVE_BUFFER = 4096  # Small, so that what it does not read stays with the server soon.


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """A whole masked frame (RFC 6455, 5.2); the mask is zero, which leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return bytes([(0x80 if final else 0) | opcode]) + length + bytes(4) + payload


def said(code: str, user: str, room: str | None = None, **data: Any) -> bytes:
    """An envelope as a frame."""
    envelope: Mapping[str, Any] = {"code": code, "user_id": user, "room_id": room, "data": data}
    return frame(json.dumps(envelope).encode())


def handshake(port: int, path: str = "/ws", extensions: str = "") -> bytes:
    """The request for an upgrade, which may offer extensions."""
    offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    ).encode()


class RawClient:
    """The `socket` after the upgrade, and the `head` of the answer to it."""

    def __init__(self, plain: socket.socket, head: bytes) -> None:
        self.socket = plain
        self.head = head

    async def send(self, data: bytes) -> None:
        """Send all of it. Raises `ConnectionError` where the server is gone."""
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def rest(self) -> bytes:
        """Read until the server's end of the connection."""
        return await self.read(1 << 40)

    async def read(self, size: int) -> bytes:
        """Read so many bytes, or fewer until the server's end of the connection."""
        read = bytearray()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while len(read) < size and (
                    part := await loop.sock_recv(self.socket, min(65_536, size - len(read)))
                ):
                    read += part
            except ConnectionError:
                pass  # A reset is an end as well.
        return bytes(read)


@asynccontextmanager
async def raw_client(
    port: int, path: str = "/ws", *, buffer: int = RECEIVE_BUFFER, extensions: str = ""
) -> AsyncIterator[RawClient]:
    """A bare socket, upgraded; `buffer` is how many bytes the kernel takes for it, about."""
    loop = asyncio.get_running_loop()
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        plain.setblocking(False)
        await loop.sock_connect(plain, ("127.0.0.1", port))
        await loop.sock_sendall(plain, handshake(port, path, extensions))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += await loop.sock_recv(plain, 1)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        yield RawClient(plain, answer)


async def next_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a whole frame of the server's (RFC 6455, 5.2): its opcode and payload."""
    head = await reader.readexactly(2)
    size = head[1]
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    return head[0] & 0x0F, await reader.readexactly(size)


async def told_to_leave(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Read up to the close frame (RFC 6455, 5.5.1): its code and reason."""
    while True:
        opcode, payload = await next_frame(reader)
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big"), payload[2:].decode()
