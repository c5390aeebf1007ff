"""Files of a room, as an assistant is given them."""

import asyncio
import sys
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import orjson

from assistants import extraction
from assistants.extraction import KINDS, Extract
from productflo.domain.files import FileRecord
from productflo.domain.media import TEXT
from productflo.errors import NotFound
from productflo.service.files import Files

MOST_FILES = 10
"""Files that are read for one question."""
MOST_BYTES = 20_971_520
"""Of a file that is read: 20 MiB, a thick manual. A larger one is skipped."""
MOST_IMAGE_BYTES = 5_242_880
"""Of an image: what model servers take."""
MOST_CHARACTERS = 200_000
"""Of a file's text: about 50,000 tokens. The rest is cut."""
DEADLINE = 20.0
"""Seconds for the text of one file."""
AT_ONCE = 2
"""Files that one worker extracts at the same time: each has a process, and up to 1 GiB."""
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What models that see take."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read. `text` is empty for an image, whose bytes are `content`.

    `pages` counts pages, slides or sheets, where the file has any. `truncated` says that the text is cut.
    What a file says comes from whoever made it: it is material for an answer, never an instruction.
    """

    id: str
    name: str
    media_type: str
    text: str
    pages: int | None = None
    truncated: bool = False
    content: bytes | None = field(default=None, repr=False)


class Unreadable(Exception):
    """Why a file is not read, in a few words for the room; `name` is what the file is called."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


class RoomDocuments:
    """Reads the files of one room, and of no other. The right to each is looked up whenever it is read."""

    def __init__(self, files: Files, room: str, at_once: asyncio.Semaphore) -> None:
        self._files = files
        self._room = room
        self._at_once = at_once

    async def read(self, file_id: str, *, images: bool) -> Document:
        """One file. Raises `Unreadable`, and `StoreAway` or redis-py's errors.

        Cancelling ends the process that extracts the text.
        """
        try:
            record = await self._files.attached(self._room, file_id)
        except NotFound as error:
            raise Unreadable(file_id, "not a file of this room") from error
        if record.mime_type in IMAGES:
            return await self._image(record, wanted=images)
        kind = KINDS.get(record.mime_type)
        if kind is None and record.mime_type != TEXT:
            raise Unreadable(record.name, f"no text can be read from {record.mime_type}")
        content = await self._content(record, MOST_BYTES)
        extract = _decoded(content) if kind is None else await self._extract(record, kind, content)
        return Document(
            record.id,
            record.name,
            record.mime_type,
            extract.text[:MOST_CHARACTERS],
            extract.pages,
            extract.truncated or len(extract.text) > MOST_CHARACTERS,
        )

    async def _image(self, record: FileRecord, *, wanted: bool) -> Document:
        if not wanted:
            raise Unreadable(record.name, "an image, which this assistant does not look at")
        content = await self._content(record, MOST_IMAGE_BYTES)
        return Document(record.id, record.name, record.mime_type, "", content=content)

    async def _content(self, record: FileRecord, most: int) -> bytes:
        if record.size > most:
            raise Unreadable(record.name, f"larger than {most // 1_048_576} MiB")
        content = bytearray()
        try:
            async with aclosing(self._files.content(record, 0, record.size)) as blocks:
                async for block in blocks:
                    content += block
        except NotFound as error:
            raise Unreadable(record.name, "its content is gone") from error
        return bytes(content)

    async def _extract(self, record: FileRecord, kind: str, content: bytes) -> Extract:
        """The text, found by a process of its own: what a file does to its reader it does to that one."""
        async with self._at_once:
            # As a script: importing the package would take longer than reading most files.
            command = [sys.executable, "-I", extraction.__file__, kind, str(MOST_CHARACTERS)]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env={}
            )
            try:
                async with asyncio.timeout(DEADLINE):
                    told, _ = await process.communicate(content)
            except TimeoutError as error:
                raise Unreadable(record.name, f"not read within {DEADLINE:g} s") from error
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        try:
            found = orjson.loads(told)
            extract = Extract(**found["extract"]) if "extract" in found else None
        except (ValueError, TypeError) as error:  # It was killed, for its memory perhaps.
            raise Unreadable(record.name, "damaged, or more than can be read") from error
        if extract is None:
            raise Unreadable(record.name, found["reason"])
        return extract


def _decoded(content: bytes) -> Extract:
    """Plain text, Markdown, CSV, code: uploads are text only where they are UTF-8, or UTF-16 with a mark."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return Extract(content.decode(encoding, "replace"))
