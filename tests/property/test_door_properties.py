"""Properties of what stands between a stranger and the server: tokens, names, forms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productflo.domain.files import MAX_NAME_BYTES, clean_name
from productflo.domain.media import media_type, served_type
from productflo.errors import TooLarge, Unauthenticated, ValidationFailed
from productflo.service.tokens import mint, verify
from productflo.web.multipart import MultipartForm

SECRET = "a-secret-of-at-least-thirty-two-bytes"
NOW = 1_700_000_000.0
TOKEN = mint(SECRET, "ana", "Ana Rey", ["hw"], 1, NOW)
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="tags"\r\n\r\ncase,v2\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n'
)


@given(st.integers(0, len(TOKEN) - 1), st.characters(max_codepoint=255))
def test_a_token_with_one_byte_changed_lets_nobody_in(at: int, other: str) -> None:
    """No byte of a token can be another one, not even the spare bits at its end."""
    changed = TOKEN[:at] + other + TOKEN[at + 1 :]
    if changed != TOKEN:
        with pytest.raises(Unauthenticated):
            verify(changed, SECRET, NOW)


@given(st.integers(0, len(TOKEN)), st.text(min_size=1, max_size=5))
def test_a_token_with_something_put_in_lets_nobody_in(at: int, more: str) -> None:
    """Nothing can be put before, after or into a token."""
    with pytest.raises(Unauthenticated):
        verify(TOKEN[:at] + more + TOKEN[at:], SECRET, NOW)


@given(st.text())
def test_any_text_is_a_token_or_unauthenticated(text: str) -> None:
    """Whatever stands where a token should: it raises nothing else."""
    with pytest.raises(Unauthenticated):
        verify(text, SECRET, NOW)


@given(st.text(st.characters(), max_size=400))
def test_cleaned_names_are_safe_and_stay_so(name: str) -> None:
    """One component, printable, not hidden, short enough for a disk; cleaning twice changes nothing."""
    cleaned = clean_name(name)
    assert cleaned
    assert len(cleaned.encode()) <= MAX_NAME_BYTES
    assert not set(cleaned) & set("/\\\0\r\n")
    assert not cleaned.startswith(".")
    assert cleaned.isprintable()
    assert clean_name(cleaned) == cleaned


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_have_a_type_that_is_safe_to_serve(head: bytes, complete: bool) -> None:
    """Detection never fails, and what is served is never a type that runs."""
    served = served_type(media_type(head, complete))
    assert not set(served.split("/")) & {"html", "svg+xml", "xml", "javascript", "pdf", "xhtml+xml"}


async def _read(data: bytes, size: int) -> dict[str, bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    return {
        part.name: b"".join([chunk async for chunk in part]) async for part in MultipartForm(chunks(), "b")
    }


@given(st.integers(1, len(FORM)))
def test_a_form_reads_the_same_however_it_is_split(size: int) -> None:
    """Where the network cuts a form makes no difference."""
    assert asyncio.run(_read(FORM, size)) == {"tags": b"case,v2", "file": b"hello"}


@given(
    st.lists(
        st.sampled_from([b"\r", b"\n", b"-", b"b", b"\r\n--", b"\r\n--c", b"\n--b", b"\x00"]), max_size=40
    ),
    st.integers(1, 40),
)
def test_a_file_comes_through_a_form_unchanged(pieces: list[bytes], size: int) -> None:
    """Whatever a file is made of, also what looks like a boundary, it arrives byte for byte."""
    content = b"".join(pieces)
    if b"\r\n--b" not in b"\r\n" + content:
        begin, end = FORM.split(b"hello")
        assert asyncio.run(_read(begin + content + end, size))["file"] == content


@given(st.integers(0, len(FORM) - len("--\r\n") - 1), st.integers(1, 64))
def test_a_form_that_ends_too_early_is_not_taken_for_a_whole_one(length: int, size: int) -> None:
    """Without its last boundary a form is an error, however little is missing."""
    with pytest.raises(ValidationFailed):
        asyncio.run(_read(FORM[:length], size))


@given(st.integers(0, len(FORM)), st.binary(max_size=30), st.integers(0, 30), st.integers(1, 64))
def test_a_broken_form_is_an_error_that_can_be_told(at: int, put: bytes, drop: int, size: int) -> None:
    """Whatever is put into or taken out of a form, it is read or it is a told error."""
    broken = FORM[:at] + put + FORM[at + drop :]
    with suppress(ValidationFailed, TooLarge):
        assert asyncio.run(_read(broken, size)) is not None
