"""Reading `multipart/form-data` (RFC 7578) part by part while it arrives.

Why not werkzeug's decoder: when a read ends within the final boundary's dashes, it takes the line end before
the boundary for part of the file (3.1.9, github.com/pallets/werkzeug/issues/3285; our property test that
splits a form at every place found it too).
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator

from werkzeug.http import parse_options_header

from productflo.errors import TooLarge, ValidationFailed

STALL_SECONDS = 60.0
"""How long `STALL_BYTES` may take: a slow line uploads for hours, one that stands still is given up."""
STALL_BYTES = 65_536
"""With `STALL_SECONDS`, the slowest upload that is waited for: about 1 KiB a second."""
MAX_PARTS = 32
"""Parts of a form: a file, and the few fields that say something about it."""
MAX_FIELD_BYTES = 16_384
"""Size of one field that is not a file."""
MAX_HEADER_BYTES = 8192
"""Size of one part's headers: a name and a filename, with room for long ones in another script."""
_LINE_END = b"\r\n"
_HEADERS_END = b"\r\n\r\n"


class Part:
    """One part of a form, to iterate over or to ask for its text; `filename` is None for a plain field."""

    def __init__(self, form: "MultipartForm", name: str, filename: str | None) -> None:
        self.name = name
        self.filename = filename
        self._form = form

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._form.rest_of_part():
            yield data

    async def text(self) -> str:
        """The field's text. Raises `TooLarge`, and `ValidationFailed` when it is not UTF-8."""
        value = bytearray()
        async for data in self:
            value += data
            if len(value) > MAX_FIELD_BYTES:
                raise TooLarge(f"A field has at most {MAX_FIELD_BYTES:,} bytes", field=self.name)
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValidationFailed("The field is not UTF-8", field=self.name) from error


class MultipartForm:
    """`async for part in form`: what is left of a part is passed over when the next one is asked for.

    Raises `ValidationFailed` for what is no such form, ends too early or stands still; `TooLarge` for too
    many parts or headers. Nothing but the chunk at hand is kept in memory; what follows the last part is
    not read.
    """

    def __init__(self, body: AsyncIterable[bytes], boundary: str) -> None:
        if not boundary or not boundary.isascii():
            raise ValidationFailed("The Content-Type names no boundary: send multipart/form-data")
        self._chunks = _Patient(aiter(body))
        self._delimiter = _LINE_END + b"--" + boundary.encode()
        self._buffer = bytearray(
            _LINE_END
        )  # The first delimiter may begin the body: its line end is put before.
        self._in_part = True  # What precedes the first delimiter is passed over like a part.

    async def __aiter__(self) -> AsyncIterator[Part]:
        for _ in range(MAX_PARTS + 1):
            async for _passed_over in self.rest_of_part():
                pass
            if await self._ends():
                return
            name, filename = _disposition(await self._headers())
            self._in_part = True
            yield Part(self, name, filename)
        raise TooLarge(f"A form has at most {MAX_PARTS} parts")

    async def rest_of_part(self) -> AsyncIterator[bytes]:
        """What has not been read of the part at hand, up to the delimiter, which is dropped."""
        held = len(self._delimiter) - 1  # So much of the end may be the beginning of a delimiter.
        while self._in_part:
            at = self._buffer.find(self._delimiter)
            if at >= 0:
                self._in_part = False
                data = self._take(at)
                self._take(len(self._delimiter))
            else:
                data = self._take(max(len(self._buffer) - held, 0))
                await self._more()
            if data:
                yield data

    async def _ends(self) -> bool:
        """Whether the delimiter just passed was the last one."""
        while True:
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b" \t"))]
            if len(self._buffer) >= len(_LINE_END):
                break
            await self._more()
        if not self._buffer.startswith((b"--", _LINE_END)):
            raise _malformed()
        return self._buffer.startswith(b"--")

    async def _headers(self) -> bytes:
        while (at := self._buffer.find(_HEADERS_END)) < 0 and len(self._buffer) <= MAX_HEADER_BYTES:
            await self._more()
        if not 0 <= at <= MAX_HEADER_BYTES:
            raise TooLarge(f"The headers of a part have at most {MAX_HEADER_BYTES:,} bytes")
        headers = self._take(at)
        self._take(len(_HEADERS_END))
        return headers

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    async def _more(self) -> None:
        chunk = await self._chunks.next()
        if chunk is None:
            raise _malformed()
        self._buffer += chunk


def _disposition(headers: bytes) -> tuple[str, str | None]:
    """The part's name and filename."""
    for line in headers.split(_LINE_END):
        header, _, value = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            try:
                options = parse_options_header(value.decode())[1]
                return options["name"], options.get("filename")
            except (ValueError, KeyError) as error:
                raise _malformed() from error
    raise _malformed()


def _malformed() -> ValidationFailed:
    return ValidationFailed("The body is not a complete multipart/form-data form")


class _Patient:
    """Passes chunks on, as long as they come fast enough. Only waiting counts, not what is done with them."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._received = 0
        self._seconds_left = STALL_SECONDS

    async def next(self) -> bytes | None:
        """The next chunk; None after the last. Raises `ValidationFailed` when it takes too long."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds_left):
                chunk = await anext(self._chunks, None)
        except TimeoutError as error:
            raise ValidationFailed("The upload stood still, or nearly, and was given up") from error
        self._seconds_left -= time.monotonic() - began
        self._received += len(chunk or b"")
        if self._received >= STALL_BYTES:
            self._received, self._seconds_left = 0, STALL_SECONDS
        return chunk
