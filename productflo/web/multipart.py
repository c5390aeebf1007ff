"""Reading `multipart/form-data` (RFC 7578) part by part while it arrives."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from productflo.errors import TooLarge, ValidationFailed

STALL_SECONDS = 60.0
"""How long `STALL_BYTES` may take: a slow line uploads for hours, one that stands still is given up."""
STALL_BYTES = 65_536
"""With `STALL_SECONDS`, the slowest upload that is waited for: about 1 KiB a second."""
MAX_PARTS = 32
"""Parts of a form: a file, and the few fields that say something about it."""
MAX_FIELD_BYTES = 16_384
"""Size of one field that is not a file."""
MAX_WAITING_BYTES = 1_048_576
"""What the decoder may hold back: a chunk in which it looks for the next boundary, or a part's headers."""


class Part:
    """One part of a form, to iterate over or to ask for its text; `filename` is None for a plain field."""

    def __init__(self, form: "MultipartForm", name: str, filename: str | None) -> None:
        self.name = name
        self.filename = filename
        self._form = form

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._form.data_of_part():
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
    many parts. Nothing but the chunk at hand is kept in memory.
    """

    def __init__(self, body: AsyncIterable[bytes], boundary: str) -> None:
        if not boundary or not boundary.isascii():
            raise ValidationFailed("The Content-Type names no boundary: send multipart/form-data")
        self._chunks = _Patient(aiter(body))
        self._decoder = MultipartDecoder(boundary.encode(), MAX_WAITING_BYTES, max_parts=MAX_PARTS)
        self._in_part = False

    async def __aiter__(self) -> AsyncIterator[Part]:
        while True:
            async for _ in self.data_of_part():
                pass
            event = await self._next_event()
            if isinstance(event, Epilogue):
                return
            if isinstance(event, File | Field):
                self._in_part = True
                yield Part(self, event.name or "", event.filename if isinstance(event, File) else None)

    async def data_of_part(self) -> AsyncIterator[bytes]:
        """What has not been read of the part at hand."""
        while self._in_part:
            event = await self._next_event()
            if isinstance(event, Data):
                self._in_part = event.more_data
                if event.data:
                    yield event.data

    async def _next_event(self) -> Event:
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._decoder.receive_data(await self._chunks.next())
        except ValueError as error:
            raise ValidationFailed("The body is not a complete multipart/form-data form") from error
        except RequestEntityTooLarge as error:
            raise TooLarge(f"A form has at most {MAX_PARTS} parts, with short headers") from error
        return event


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
