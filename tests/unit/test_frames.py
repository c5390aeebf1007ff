"""WebSocket frames as a server writes and reads them."""

import pytest
from faults.raw import frame as masked

from productflo.protocol.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Parser,
    ProtocolViolation,
    close_code,
    close_frame,
    frame,
    unmask,
)

LIMIT = 70_000


def fragment(payload: bytes, opcode: int) -> bytes:
    """A frame that is not the last of its message."""
    whole = masked(payload, opcode)
    return bytes([whole[0] & 0x7F]) + whole[1:]


def read(data: bytes, limit: int = LIMIT) -> list[tuple[int, str | bytes]]:
    """Everything that a parser finds in it."""
    parser = Parser(limit)
    parser.feed(data)
    return list(iter(parser.next, None))


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (65_535, "827effff"),
        (65_536, "827f0000000000010000"),
    ],
)
def test_frames_are_written_in_the_shortest_way(size: int, head: str) -> None:
    """With the three forms of a length."""
    assert frame(b"x" * size, BINARY) == bytes.fromhex(head) + b"x" * size


def test_a_long_reason_is_cut_between_characters() -> None:
    """A close frame is a control frame: 125 bytes at most, valid UTF-8 all the same."""
    told = close_frame(1008, "é" * 100)
    assert told == bytes([0x88, 124]) + (1008).to_bytes(2, "big") + "é".encode() * 61


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000])
def test_the_mask_is_taken_off(size: int) -> None:
    """Byte by byte with the key's bytes in turn, as RFC 6455 defines it."""
    payload, key = bytes(number % 251 for number in range(size)), bytes([1, 200, 3, 77])
    assert unmask(payload, key) == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def test_messages_come_out_as_they_are() -> None:
    """Texts as str, binary messages as bytes, empty ones too."""
    sent = masked("grüße".encode()) + masked(b"") + masked(b"", BINARY) + masked(b"\xff", BINARY)
    assert read(sent) == [(TEXT, "grüße"), (TEXT, ""), (BINARY, b""), (BINARY, b"\xff")]


def test_control_frames_may_stand_between_fragments() -> None:
    """A character may be cut in two by fragments; the message comes when it is whole."""
    sent = (
        fragment(b"gr" + b"\xc3", TEXT)
        + masked(b"there?", PING)
        + fragment(b"", CONTINUATION)
        + masked(b"", PONG)
        + masked(b"\xbc\xc3\x9fe", CONTINUATION)
    )
    assert read(sent) == [(PING, b"there?"), (PONG, b""), (TEXT, "grüße")]


def test_a_message_that_is_announced_too_large_is_not_waited_for() -> None:
    """Nothing of it is kept; one that is exactly as large as it may be is taken."""
    exact = frame(b"x" * LIMIT, BINARY)
    mask = bytes([exact[0], exact[1] | 0x80]) + exact[2:10] + bytes(4)
    assert read(mask + b"x" * LIMIT) == [(BINARY, b"x" * LIMIT)]
    announced = bytes([0x82, 0x80 | 127]) + (LIMIT + 1).to_bytes(8, "big")
    with pytest.raises(ProtocolViolation, match=f"at most {LIMIT} bytes") as told:
        read(announced)
    assert told.value.code == 1009


def test_fragments_are_counted_together() -> None:
    """So that a message can not grow without an end."""
    parts = fragment(b"x" * 600, BINARY) + fragment(b"x" * 400, CONTINUATION)
    assert read(parts + masked(b"", CONTINUATION), limit=1000) == [(BINARY, b"x" * 1000)]
    with pytest.raises(ProtocolViolation) as told:
        read(parts + fragment(b"x", CONTINUATION), limit=1000)
    assert told.value.code == 1009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x02hi", 1002),  # not masked
        (masked(b"hi", 3), 1002),  # an opcode that does not exist
        (b"\xc1" + masked(b"hi")[1:], 1002),  # a reserved bit: compressed, which was not agreed on
        (masked(b"hi", CONTINUATION), 1002),  # continues nothing
        (fragment(b"hi", TEXT) + masked(b"hi"), 1002),  # a message within a message
        (fragment(b"hi", PING), 1002),  # a control frame in pieces
        (masked(b"x" * 126, PING), 1002),  # a long control frame
        (bytes([0x81, 0x80 | 126, 0, 5]), 1002),  # a short length, written long
        (bytes([0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 255, 255]), 1002),
        (bytes([0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1002),  # a negative length
        (masked(b"\x03", CLOSE), 1002),  # half a close code
        (masked((1005).to_bytes(2, "big"), CLOSE), 1002),  # a code that is never on the wire
        (masked((1000).to_bytes(2, "big") + b"\xff", CLOSE), 1007),
        (masked(b"\xff"), 1007),
        (masked(b"\xed\xa0\x80"), 1007),  # a lone surrogate
        (fragment(b"\xff", TEXT), 1007),  # known at once, not at the message's end
        (fragment(b"\xc3", TEXT) + masked(b"", CONTINUATION), 1007),  # half a character at the end
    ],
)
def test_what_breaks_the_protocol_is_refused(sent: bytes, code: int) -> None:
    """With the close code that RFC 6455 has for it; what came before was said."""
    parser = Parser(LIMIT)
    parser.feed(masked(b"before") + sent)
    assert parser.next() == (TEXT, "before")
    with pytest.raises(ProtocolViolation) as told:
        parser.next()
    assert told.value.code == code


def test_a_close_frame_says_why() -> None:
    """Or says nothing."""
    [(opcode, payload), (_, nothing)] = read(masked((4000).to_bytes(2, "big") + b"bye", CLOSE)) + read(
        masked(b"", CLOSE)
    )
    assert (opcode, payload) == (CLOSE, b"\x0f\xa0bye")
    assert isinstance(payload, bytes)
    assert isinstance(nothing, bytes)
    assert (close_code(payload), close_code(nothing)) == (4000, 1005)
