"""What assistants are given of a room's files, and what a bad file does to them: nothing."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from asking import context, question
from papers import docx, packed, pdf, pptx, xlsx
from redis.asyncio import Redis

from assistants import documents
from assistants.context import Context, NoSettings
from assistants.documents import Document, RoomDocuments
from assistants.extraction import MOST_PART, MOST_RATIO, RATIO_COUNTS
from assistants.messages import Message
from productflo.blobs.local import LocalBlobs
from productflo.domain.identity import Identity
from productflo.service.files import Details, Files
from productflo.store.files import FileStore
from productflo.store.keys import RoomKeys

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Shelf:
    """The files of the room `lab`."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.redis = redis
        self.files = Files(FileStore(redis), LocalBlobs(folder), 64_000_000)

    async def upload(self, name: str, content: bytes) -> str:
        """Ada's file, which no room has."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        received = await self.files.receive(name, chunks())
        return (await self.files.keep(Identity("ada", "Ada"), received, Details())).id

    async def attach(self, name: str, content: bytes, room: str = "lab") -> str:
        """A file that a message of a room attaches."""
        file_id = await self.upload(name, content)
        await self.redis.hincrby(RoomKeys(room).files, file_id, 1)
        return file_id

    def context(self, *file_ids: str, answered: Message | None = None) -> Context[NoSettings]:
        """That of a question which attaches files, and may answer a message."""

        class Transcript:
            async def find(self, message_id: str) -> Message | None:
                return answered

        reads = RoomDocuments(self.files, "lab", asyncio.Semaphore(1))
        asked = question(files=file_ids, reply_to=answered and answered.id)
        return context(asked=asked, documents=reads, transcript=Transcript())

    async def read(self, name: str, content: bytes) -> Document:
        """A file as an assistant is given it."""
        (document,) = await self.context(await self.attach(name, content)).files()
        return document

    async def refusal(self, name: str, content: bytes) -> str:
        """Why an assistant is not given a file."""
        ctx = self.context(await self.attach(name, content))
        assert await ctx.files() == []
        assert ctx.receipt.context is not None
        (note,) = ctx.receipt.context.files_skipped
        assert note.name == name
        assert ctx.receipt.context.files_read == []
        return note.reason or ""


@pytest.fixture
def shelf(redis: Redis, tmp_path: Path) -> Shelf:
    return Shelf(redis, tmp_path)


async def test_pdf(shelf: Shelf) -> None:
    """Page by page."""
    document = await shelf.read("plan.pdf", pdf("Bracket M4", "Torque 2 Nm"))
    assert (document.text, document.pages) == ("Bracket M4\n\nTorque 2 Nm", 2)
    assert (document.name, document.media_type) == ("plan.pdf", "application/pdf")
    assert not document.truncated


async def test_word(shelf: Shelf) -> None:
    """Paragraphs are lines; entities are characters."""
    document = await shelf.read("plan.docx", docx("Für A & B", "<second>"))
    assert (document.text, document.pages) == ("Für A & B\n<second>", None)


async def test_powerpoint(shelf: Shelf) -> None:
    """Slides in their order, the tenth after the ninth."""
    document = await shelf.read("plan.pptx", pptx(*(f"point {number}" for number in range(1, 11))))
    assert document.text.startswith("Slide 1\npoint 1\n\nSlide 2\n")
    assert document.text.endswith("Slide 10\npoint 10")
    assert document.pages == 10


async def test_excel(shelf: Shelf) -> None:
    """Sheets by name, cells with tabs between."""
    document = await shelf.read("bom.xlsx", xlsx(Parts=[["part", "count"], ["M4", 40]], Notes=[["none"]]))
    assert document.text == "Sheet Parts\npart\tcount\t\nM4\t40\t\n\nSheet Notes\nnone"
    assert document.pages == 2


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("parts.csv", b"part,count\nM4,40\n", "part,count\nM4,40\n"),
        ("plan.md", "# Gehäuse".encode(), "# Gehäuse"),
        ("main.py", b"\xef\xbb\xbfprint(1)\n", "print(1)\n"),
        ("old.txt", "Gehäuse".encode("utf-16"), "Gehäuse"),
    ],
)
async def test_text(shelf: Shelf, name: str, content: bytes, text: str) -> None:
    """CSV, Markdown, code: as it is."""
    assert (await shelf.read(name, content)).text == text


async def test_a_long_text_is_cut_and_that_is_told(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The assistant knows, and so does the room."""
    monkeypatch.setattr(documents, "MOST_CHARACTERS", 9)
    for name, content in (("a.txt", b"123456789 and more"), ("a.docx", docx("123456789", "and more"))):
        ctx = shelf.context(await shelf.attach(name, content))
        (document,) = await ctx.files()
        assert (document.text, document.truncated) == ("123456789", True)
        assert ctx.receipt.context is not None
        (note,) = ctx.receipt.context.files_read
        assert (note.reason, ctx.receipt.context.cut) == ("only its beginning", True)


async def test_images_are_for_models_that_see(shelf: Shelf) -> None:
    """Where they are asked for."""
    file_id = await shelf.attach("a.png", PNG)
    (image,) = await shelf.context(file_id).files(images=True)
    assert (image.content, image.text, image.media_type) == (PNG, "", "image/png")
    assert "does not look at" in await shelf.refusal("b.png", PNG)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("scan.pdf", pdf(""), "no text in it; pictures of text, perhaps"),
        ("broken.pdf", b"%PDF-1.4 and nothing", "damaged"),
        ("broken.docx", docx("x")[:60] + b"word/", "damaged"),
        ("empty.docx", docx(), "no text in it"),
        ("entities.docx", docx("x", head='<!DOCTYPE d [<!ENTITY a "b">]>'), "declares a document type"),
        ("other.docx", packed({"word/other.xml": "<a/>"}), "damaged"),
        ("a.bin", bytes(range(256)) * 4, "no text can be read from application/octet-stream"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # An archive has the time in it.
)
async def test_a_bad_file_fails_nothing(shelf: Shelf, name: str, content: bytes, reason: str) -> None:
    """It is told why it was not read."""
    assert reason in await shelf.refusal(name, content)


async def test_a_bomb_is_not_unpacked(shelf: Shelf) -> None:
    """By ratio, and by size; both are small on the disk."""
    growing = "<w:t>" + "x" * (RATIO_COUNTS + 1)
    assert len(packed({"word/document.xml": growing})) * MOST_RATIO < len(growing)
    for size in (RATIO_COUNTS + 1, MOST_PART + 1):
        bomb = packed({"word/document.xml": b"<a>" + b"x" * size})
        assert "unpacks to more" in await shelf.refusal("bomb.docx", bomb)


async def test_a_large_file_is_not_read(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is known before."""
    monkeypatch.setattr(documents, "MOST_BYTES", 3_145_728)
    assert await shelf.refusal("a.txt", b"x" * 3_145_729) == "larger than 3 MiB"


async def test_a_reader_that_takes_long_is_given_up(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the deadline; the answer goes on without the file."""
    monkeypatch.setattr(documents, "DEADLINE", 0.0)
    assert await shelf.refusal("a.pdf", pdf("x")) == "not read within 0 s"


async def test_a_stop_ends_the_reader(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is gone when the answer is."""
    endless = tmp_path / "endless.py"
    tell = "open(__file__ + '.pid', 'w').write(str(os.getpid()) + '.')"
    endless.write_text(f"import os, time\n{tell}\ntime.sleep(600)\n")
    monkeypatch.setattr(documents.extraction, "__file__", str(endless))
    reading = asyncio.create_task(shelf.read("a.pdf", pdf("x")))
    pid = ""
    async with asyncio.timeout(20):
        while not pid.endswith("."):
            await asyncio.sleep(0.01)
            with suppress(FileNotFoundError):
                pid = await asyncio.to_thread((tmp_path / "endless.py.pid").read_text)
    reading.cancel()
    await asyncio.wait({reading})
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.rstrip(".")), 0)


async def test_only_files_of_the_room_are_read(shelf: Shelf) -> None:
    """Not those of another room, of nobody yet, of a message that was deleted, or of another service."""
    elsewhere = await shelf.attach("secret.txt", b"canary", room="other")
    own = await shelf.upload("mine.txt", b"canary")
    deleted = await shelf.attach("gone.txt", b"canary")
    await shelf.redis.hset(RoomKeys("lab").files, deleted, 0)
    ctx = shelf.context(elsewhere, own, deleted, "file123", "../../etc/passwd")
    assert await ctx.files() == []
    assert ctx.receipt.context is not None
    assert [(one.name, one.reason) for one in ctx.receipt.context.files_skipped] == [
        (file_id, "not a file of this room")
        for file_id in (elsewhere, own, deleted, "file123", "../../etc/passwd")
    ]


async def test_what_the_question_answers_is_read_too(shelf: Shelf) -> None:
    """Its own files first, each once; ten at most."""
    ids = [await shelf.attach(f"{number}.txt", b"x") for number in range(12)]
    before = Message("msg_1", 3, "bo", "see", "2026-06-01T12:00:00.000Z", files=tuple(ids[1:]))
    ctx = shelf.context(ids[0], ids[1], answered=before)
    assert [document.name for document in await ctx.files()] == [f"{number}.txt" for number in range(10)]
    assert ctx.receipt.context is not None
    assert [one.reason for one in ctx.receipt.context.files_skipped] == ["more than 10 files"] * 2
    assert [one.name for one in await ctx.files(before)] == [f"{number}.txt" for number in range(1, 11)]


async def test_a_file_whose_bytes_are_gone(shelf: Shelf, tmp_path: Path) -> None:
    """Told as any other."""
    file_id = await shelf.attach("a.txt", b"x")
    await LocalBlobs(tmp_path).delete(file_id)
    ctx = shelf.context(file_id)
    assert await ctx.files() == []
    assert ctx.receipt.context is not None
    assert ctx.receipt.context.files_skipped[0].reason == "its content is gone"
