"""Any stream of frames is read the same however it is split, and as another implementation reads it."""

from collections.abc import Callable

import pytest
from faults.raw import frame as masked
from hypothesis import given, settings
from hypothesis import strategies as st
from stream import Streams, disagreement, ours

from productflo.protocol.frames import BINARY, TEXT, Parser, ProtocolViolation, unmask


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_any_bytes_are_read_the_same_however_they_are_split(data: bytes, cuts: list[int]) -> None:
    """Nothing else is raised than what names the close code."""
    ends = sorted({cut for cut in cuts if cut < len(data)})
    assert ours([data]) == ours([data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)])


@given(st.lists(st.text() | st.binary(), max_size=6), st.integers(1, 50))
def test_what_a_client_says_comes_out(messages: list[str | bytes], step: int) -> None:
    """Texts and binary messages of any content, read in pieces of any size."""
    sent = b"".join(
        masked(message.encode(), TEXT) if isinstance(message, str) else masked(message, BINARY)
        for message in messages
    )
    found = ours([sent[at : at + step] for at in range(0, len(sent), step)])
    assert [payload for _, payload in found.found] == messages
    assert found.code is None


@given(st.binary(max_size=200), st.binary(min_size=4, max_size=4))
def test_masking_twice_changes_nothing(payload: bytes, key: bytes) -> None:
    """As it must be, since both sides do the same (RFC 6455, 5.3)."""
    assert unmask(unmask(payload, key), key) == payload


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(20, 100))
@settings(max_examples=50)
def test_no_more_is_held_than_a_message_may_have(sizes: list[int], limit: int) -> None:
    """However many fragments it comes in."""
    parser = Parser(limit)
    told: Callable[[bytes], None] = parser.feed
    held = 0
    for at, size in enumerate(sizes):
        told(masked(b"x" * size, BINARY if at == 0 else 0, final=False))
        held += size
        if held > limit:
            with pytest.raises(ProtocolViolation, match="at most"):
                parser.next()
            return
        assert parser.next() is None


@pytest.mark.parametrize("seed", range(4))
def test_streams_are_read_as_wsproto_reads_them(seed: int) -> None:
    """500 of each seed; `python tests/stream.py 20000` compares more."""
    streams = Streams(seed)
    assert [problem for _ in range(500) if (problem := disagreement(streams))] == []
