"""Uploading files, and handing them out so that no browser runs them."""

import math
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from quart import Blueprint, Request, Response, request
from quart.wrappers.response import ResponseBody
from werkzeug.exceptions import RequestedRangeNotSatisfiable, RequestEntityTooLarge

from productflo.domain.files import FileRecord
from productflo.domain.media import served_type
from productflo.errors import TooLarge, ValidationFailed
from productflo.service.files import Details, Files, Received
from productflo.web.body import limit_body
from productflo.web.guard import Guard
from productflo.web.multipart import MultipartForm, Part

FORM_BYTES = 65_536
"""What a form may hold beside the file: boundaries, headers and the few fields."""
SEND_SECONDS = 60.0
"""Least time for a download; it grows with the file's size, by `SLOWEST_BYTES` a second."""
SLOWEST_BYTES = 16_384
"""The slowest line that a download is finished over, in bytes a second: one that stands still is given up."""

_DOWNLOAD_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class UploadFields(BaseModel):
    """What a form may say about its file."""

    product_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    tags: tuple[Annotated[str, StringConstraints(max_length=64)], ...] = Field((), max_length=20)


def files_blueprint(files: Files, guard: Guard) -> Blueprint:
    """`POST /files` and `/files/upload`, `GET /files/<id>` and `/files/<id>/download`."""
    blueprint = Blueprint("files", __name__)

    @blueprint.post("/files")
    @blueprint.post("/files/upload")
    async def upload() -> tuple[dict[str, Any], int]:
        identity = guard.require(request)
        form = _form(request, files.max_bytes)
        received, details = await _read(form, files)
        record = await files.keep(identity, received, details)
        return _described(record), 201

    @blueprint.get("/files/<file_id>")
    async def metadata(file_id: str) -> dict[str, Any]:
        return _described(await files.readable(guard.require(request), file_id))

    @blueprint.get("/files/<file_id>/download")
    async def download(file_id: str) -> Response:
        record = await files.readable(guard.require(request), file_id)
        return await _download(files, record, await files.size(record))

    return blueprint


def _form(upload: Request, max_bytes: int) -> MultipartForm:
    """The form, which is refused before it is read where it says itself that it is too large."""
    if upload.mimetype != "multipart/form-data":
        raise ValidationFailed("Send multipart/form-data with the file in the field 'file'", field="file")
    limit_body(upload, max_bytes + FORM_BYTES)
    return MultipartForm(_body(upload.body, max_bytes), upload.mimetype_params.get("boundary", ""))


async def _body(body: AsyncIterable[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    try:
        async for chunk in body:
            yield chunk
    except RequestEntityTooLarge as error:
        raise TooLarge(f"A file may have at most {max_bytes:,} bytes", field="file") from error


async def _read(form: MultipartForm, files: Files) -> tuple[Received, Details]:
    """Take in the file of a form and what the form says about it; nothing stays when the form is not good."""
    received: Received | None = None
    texts: dict[str, list[str]] = {}
    try:
        async for part in form:
            if part.name != "file":
                texts.setdefault(part.name, []).append(await part.text())
            elif received is None:
                received = await _receive(part, files)
            else:
                raise ValidationFailed("Send one file at a time", field="file")
        if received is None:
            raise ValidationFailed("The form has no file in a field 'file'", field="file")
        return received, _details(texts)
    except BaseException:
        if received is not None:
            await files.discard(received)
        raise


async def _receive(part: Part, files: Files) -> Received:
    if part.filename is None:
        raise ValidationFailed("The field 'file' must be a file, with a filename", field="file")
    return await files.receive(part.filename, part)


def _details(texts: dict[str, list[str]]) -> Details:
    tags = [tag.strip() for text in texts.get("tags", []) for tag in text.split(",")]
    given = {name: texts[name][-1].strip() or None for name in ("product_id", "description") if name in texts}
    try:
        fields = UploadFields(tags=tuple(dict.fromkeys(filter(None, tags))), **given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValidationFailed(first["msg"], field=str(first["loc"][0])) from error
    return Details(fields.product_id, fields.description, fields.tags)


def _described(record: FileRecord) -> dict[str, Any]:
    known = {name: value for name, value in asdict(record).items() if value or name == "size"}
    return known | {"url": f"/files/{record.id}/download"}


async def _download(files: Files, record: FileRecord, size: int) -> Response:
    """An answer that browsers save, and neither show as a page nor run.

    Raises werkzeug's `RequestedRangeNotSatisfiable` (416); answers 304 for what the client has.
    """
    content = _Content(files, record, size)
    response = Response(content, mimetype=served_type(record.mime_type), headers=_DOWNLOAD_HEADERS)
    response.headers["Content-Disposition"] = _attachment(record.name)
    response.headers["Accept-Ranges"] = "bytes"
    response.content_length = size
    response.set_etag(record.id)  # An id never gets other bytes.
    response.last_modified = datetime.fromisoformat(record.created_at).astimezone(UTC)
    response.timeout = SEND_SECONDS + math.ceil(size / SLOWEST_BYTES)
    return await response.make_conditional(request, accept_ranges=True, complete_length=size)


def _attachment(name: str) -> str:
    """RFC 6266: the true name for those who know RFC 5987, plain ASCII for the others."""
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class _Content(ResponseBody):
    """A file's bytes as the body of an answer; `begin` and `end` are what Quart reads of a range."""

    def __init__(self, files: Files, record: FileRecord, size: int) -> None:
        self.begin = 0
        self.end = size
        self._files = files
        self._record = record
        self._size = size

    async def make_conditional(self, begin: int, end: int | None) -> int:
        """Narrow to a range, where a negative `begin` counts from the end; return the whole size."""
        self.begin = max(self._size + begin, 0) if begin < 0 else begin
        self.end = self._size if end is None else min(end, self._size)
        if self.begin >= self.end:
            raise RequestedRangeNotSatisfiable(self._size)
        return self._size

    async def __aenter__(self) -> AsyncIterator[bytes]:
        self._blocks = aclosing(self._files.content(self._record, self.begin, self.end))
        return await self._blocks.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._blocks.__aexit__(kind, error, trace)
