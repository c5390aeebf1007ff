"""WebSocket frames (RFC 6455, section 5), as a server writes and reads them: no I/O, no clock.

Without extensions: no permessage-deflate, since frames are made once for all their readers, and since 58 KB
of deflated frame can be 60 MB of message.
"""

import codecs
from collections.abc import Iterable
from struct import Struct
from typing import Final

from productflo.protocol.codes import CloseCode

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes; those from 8 on are control frames, which may stand between the fragments of a message."""

NO_CODE = 1005
"""Stands for a close frame that gives no code; never on the wire."""

_FIN: Final = 0x80
_MASKED: Final = 0x80
_CONTROL_LIMIT: Final = 125
_SIZE_16, _SIZE_64 = 126, 127
_HEAD_16, _HEAD_64 = Struct(">BBH"), Struct(">BBQ")
_HEAD_LIMIT: Final = 2
_FIRST_BYTES = frozenset((0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A))
"""What a frame may begin with: known opcodes, no reserved bits, control frames whole."""
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)))
"""What may be sent (RFC 6455, 7.4, and IANA's registry of WebSocket close codes)."""


class ProtocolViolation(Exception):
    """The client broke the protocol: the connection is to be closed with this code."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def head(size: int, opcode: int = TEXT) -> bytes:
    """What stands before a payload of so many bytes in a frame from the server: final, not masked."""
    if size <= _CONTROL_LIMIT:
        return bytes((_FIN | opcode, size))
    if size < 65_536:
        return _HEAD_16.pack(_FIN | opcode, _SIZE_16, size)
    return _HEAD_64.pack(_FIN | opcode, _SIZE_64, size)


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole frame from the server."""
    return head(len(payload), opcode) + payload


def joined(payloads: Iterable[bytes]) -> bytes:
    """Texts, each in a frame of its own, one after the other."""
    return b"".join([part for payload in payloads for part in (head(len(payload)), payload)])


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; of the reason as many whole characters as 123 bytes hold."""
    told = reason.encode()[: _CONTROL_LIMIT - 2].decode(errors="ignore").encode()
    return frame(code.to_bytes(2, "big") + told, CLOSE)


def close_code(payload: bytes) -> int:
    """The code in a close frame's payload, as `Parser` returns it."""
    return int.from_bytes(payload[:2], "big") if payload else NO_CODE


def unmask(payload: bytes, key: bytes) -> bytes:
    """A client's payload as it was (RFC 6455, 5.3).

    One exclusive or over the whole of it as an integer: 1.8 us for a chat, where a loop in Python takes 15.
    """
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")).to_bytes(size, "little")


class Parser:
    """Takes a client's bytes in, however they are split, and gives its messages and control frames out.

    A message is refused by its announced size before any of it is kept: at most `limit` bytes of a message,
    and what was fed last, are held.
    """

    __slots__ = ("_at", "_data", "_decoder", "_fragments", "_limit", "_need", "_opcode", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = b""
        self._at = 0
        self._waiting: bytearray | None = None  # the beginning of a frame whose rest is on its way
        self._need = _HEAD_LIMIT
        self._opcode = CONTINUATION  # of the message whose fragments are coming in, if any is
        self._fragments: bytearray | None = None
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> None:
        """Take in what was read."""
        if self._at < len(self._data):
            self._waiting, self._need = bytearray(self._data[self._at :]), _HEAD_LIMIT
            self._data, self._at = b"", 0
        if self._waiting is None:
            self._data, self._at = data, 0
        else:
            self._waiting += data

    def next(self) -> tuple[int, str | bytes] | None:
        """The next whole message or control frame with its opcode; None until more has been fed.

        A text is a str, anything else bytes. Raises `ProtocolViolation`; nothing is to be read after that,
        nor after a close frame.
        """
        if self._waiting is not None:
            if len(self._waiting) < self._need:
                return None
            self._data, self._at, self._waiting = bytes(self._waiting), 0, None
        while (read := self._frame()) is not None:
            first, payload = read
            opcode = first & 15
            if opcode >= CLOSE:
                return opcode, _checked(payload) if opcode == CLOSE else payload
            if first == _FIN | TEXT:
                return TEXT, _decoded(payload)
            if first == _FIN | BINARY:
                return BINARY, payload
            if (message := self._fragment(opcode, payload, final=first >= _FIN)) is not None:
                return message
        return None

    def _frame(self) -> tuple[int, bytes] | None:
        """The next frame's first byte and payload; None, with its beginning put aside, if it is not whole."""
        data, at = self._data, self._at
        there = len(data) - at
        if there < _HEAD_LIMIT:
            self._put_aside(_HEAD_LIMIT)
            return None
        first, size, head = data[at], data[at + 1] - _MASKED, 6
        if first not in _FIRST_BYTES or size < 0:
            raise ProtocolViolation(
                CloseCode.PROTOCOL, "unknown opcode, reserved bits, or a frame without mask"
            )
        if size > _CONTROL_LIMIT:
            width = 2 if size == _SIZE_16 else 8
            head += width
            if first & 15 >= CLOSE:
                raise ProtocolViolation(CloseCode.PROTOCOL, "a control frame of more than 125 bytes")
            if there < _HEAD_LIMIT + width:
                self._put_aside(_HEAD_LIMIT + width)
                return None
            size = int.from_bytes(data[at + 2 : at + 2 + width], "big")
            if size < (_SIZE_16 if width == 2 else 65_536) or size >> 63:
                raise ProtocolViolation(CloseCode.PROTOCOL, "a size that is not written in the shortest way")
        self._check_place(first & 15, size)
        end = at + head + size
        if end > len(data):
            self._put_aside(head + size)
            return None
        body = end - size
        self._at = end
        return first, unmask(data[body:end], data[body - 4 : body])

    def _put_aside(self, need: int) -> None:
        """Keep the beginning of a frame until `need` bytes of it are there."""
        rest = self._data[self._at :]
        self._data, self._at = b"", 0
        self._waiting, self._need = (bytearray(rest), need) if rest else (None, need)

    def _check_place(self, opcode: int, size: int) -> None:
        """Whether a frame may stand here, by its opcode and its announced size."""
        if opcode >= CLOSE:
            return
        if (opcode == CONTINUATION) != (self._opcode != CONTINUATION):
            raise ProtocolViolation(CloseCode.PROTOCOL, "a fragment that belongs to no message")
        held = len(self._fragments) if self._fragments is not None else 0
        if held + size > self._limit:
            raise ProtocolViolation(CloseCode.TOO_BIG, f"a message has at most {self._limit} bytes here")

    def _fragment(self, opcode: int, payload: bytes, *, final: bool) -> tuple[int, str | bytes] | None:
        """Add a fragment; the message, if that was its last. Texts are checked as they come in."""
        if self._fragments is None:
            self._opcode, self._fragments = opcode, bytearray()
            self._decoder = codecs.getincrementaldecoder("utf-8")() if opcode == TEXT else None
        self._fragments += payload
        if self._decoder is not None:
            try:
                self._decoder.decode(payload, final)
            except UnicodeDecodeError:
                raise ProtocolViolation(CloseCode.NOT_UTF8, "a text that is not UTF-8") from None
        if not final:
            return None
        opcode, message = self._opcode, bytes(self._fragments)
        self._opcode, self._fragments, self._decoder = CONTINUATION, None, None
        return opcode, message.decode() if opcode == TEXT else message


def _decoded(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise ProtocolViolation(CloseCode.NOT_UTF8, "a text that is not UTF-8") from None


def _checked(payload: bytes) -> bytes:
    """The payload of a close frame."""
    if payload and (len(payload) == 1 or close_code(payload) not in _CLOSE_CODES):
        raise ProtocolViolation(CloseCode.PROTOCOL, "a close frame with a code that does not exist")
    _decoded(payload[2:])
    return payload
