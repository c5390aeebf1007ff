"""File names and types: what is kept of what clients say."""

import io
import zipfile

import pytest

from productflo.domain.files import clean_name, is_own_id
from productflo.domain.media import HEAD_BYTES, media_type, served_type
from productflo.protocol.ids import random_id


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("design_v2.pdf", "design_v2.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\bom.xlsx", "bom.xlsx"),
        ("a\x00b\r\nc\x1b.txt", "abc.txt"),
        ("Gehäuse - Größe 3.step", "Gehäuse - Größe 3.step"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("a\u2028b\ud800c.txt", "abc.txt"),
        ("..", "file"),
        ("", "file"),
        ("folder/", "file"),
        (".htaccess", "htaccess"),
        ("  spaced   out .txt ", "spaced out .txt"),
    ],
)
def test_names_are_one_harmless_component(given: str, kept: str) -> None:
    """No path, no control characters, nothing that turns the text around, never empty."""
    assert clean_name(given) == kept


def test_long_names_are_cut_between_characters_and_keep_their_extension() -> None:
    """A cut counts bytes, hurts no character, and leaves what says which program opens the file."""
    kept = clean_name("ä" * 300 + ".step")
    assert kept.endswith("ä.step")
    assert 250 <= len(kept.encode()) <= 255
    assert len(clean_name("x." + "y" * 400).encode()) == 255


def test_ids_of_ours_are_told_from_references_to_others() -> None:
    """Only `file_` and 26 characters of Crockford's base 32 are checked; the seed's example is not ours."""
    assert is_own_id(random_id("file"))
    for other in ("file123", "file_" + "u" * 26, "file_" + "a" * 25, "file_" + "A" * 26, random_id("msg")):
        assert not is_own_id(other)


def office(folder: str) -> bytes:
    """An office document's beginning."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as document:
        document.writestr("[Content_Types].xml", "<Types/>" * 100)
        document.writestr(f"{folder}/document.xml", "<w/>")
    return data.getvalue()


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x1cftypavif", "image/avif"),
        (b"%PDF-1.7\nall of it is ASCII", "application/pdf"),
        (office("word"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (office("xl"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (office("other"), "application/zip"),
        ("Größe\n".encode(), "text/plain"),
        ("Größe".encode("utf-16"), "text/plain"),
        (b"<!doctype html><script>alert(1)</script>", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain"),
        (b"BM is how this text begins", "text/plain"),
        (b"", "text/plain"),
        (b"\x01\x02\x03\xfe", "application/octet-stream"),
    ],
)
def test_types_are_found_from_content(head: bytes, found: str) -> None:
    """Signatures first where they are certain, then text, which is never more than text."""
    assert media_type(head, complete=True) == found


def test_a_character_that_is_cut_by_the_head_is_still_text() -> None:
    """The first bytes may end within a character; a whole file may not."""
    head = ("a" * (HEAD_BYTES - 1) + "ä").encode()[:HEAD_BYTES]
    assert media_type(head, complete=False) == "text/plain"
    assert media_type(head, complete=True) == "application/octet-stream"


@pytest.mark.parametrize(
    "active", ["text/html", "image/svg+xml", "application/pdf", "text/xml", "text/javascript"]
)
def test_what_a_browser_would_run_is_served_as_bytes(active: str) -> None:
    """A type that executes is never named to a browser, however it was found."""
    assert served_type(active) == "application/octet-stream"
    assert served_type("image/png") == "image/png"
