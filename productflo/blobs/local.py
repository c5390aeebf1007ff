"""Files' bytes on this machine's disk."""

import asyncio
import errno
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Literal, ParamSpec, TypeVar

from productflo.errors import NotFound, StoreFull, TooLarge

BLOCK_BYTES = 262_144
"""Read and written at once: large enough that handing it to a thread costs little, small for memory."""
ABANDONED_SECONDS = 24 * 3600
"""An unfinished file of that age belongs to a process that was killed; no upload takes so long."""
_ID = re.compile(r"[a-z0-9_]{3,64}")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

P = ParamSpec("P")
T = TypeVar("T")


class LocalBlobs:
    """`<root>/<last two characters of the id>/<id>`; several processes may share `root`.

    A blob appears by a rename after it was flushed to disk, so whoever sees it sees all of it, also after a
    power cut. Every call of the operating system runs in a thread.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"

    async def put(self, blob_id: str, chunks: AsyncIterable[bytes], limit: int) -> int:
        """See `Blobs.put`. Holds at most one block and one chunk in memory."""
        target = self._path(blob_id)
        await _in_thread(self._incoming.mkdir, mode=0o700, parents=True, exist_ok=True)
        partial = self._incoming / token_hex(16)
        try:
            async with _opened(partial, "xb") as file:
                size = await _write(file, chunks, limit)
            await _in_thread(_publish, partial, target)
        except BaseException as error:
            await _in_thread(partial.unlink, missing_ok=True)
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise StoreFull("There is no room for files left on the server") from error
            raise
        return size

    async def size(self, blob_id: str) -> int:
        """See `Blobs.size`."""
        try:
            return (await _in_thread(self._path(blob_id).stat)).st_size
        except FileNotFoundError as error:
            raise NotFound(f"There is no file {blob_id!r}") from error

    async def open(self, blob_id: str, begin: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Blobs.open`."""
        try:
            async with _opened(self._path(blob_id), "rb") as file:
                position = begin
                while block := await _in_thread(_read_at, file, position, end):
                    position += len(block)
                    yield block
        except FileNotFoundError as error:
            raise NotFound(f"There is no file {blob_id!r}") from error

    async def delete(self, blob_id: str) -> None:
        """See `Blobs.delete`."""
        await _in_thread(self._path(blob_id).unlink, missing_ok=True)

    async def sweep(self) -> int:
        """Remove what killed processes left unfinished, and return how many files it was."""
        return await _in_thread(_remove_abandoned, self._incoming, time.time() - ABANDONED_SECONDS)

    def _path(self, blob_id: str) -> Path:
        if not _ID.fullmatch(blob_id):
            raise ValueError(f"not a blob id: {blob_id!r}")
        return self._root / blob_id[-2:] / blob_id


@asynccontextmanager
async def _opened(path: Path, mode: Literal["rb", "xb"]) -> AsyncIterator[BinaryIO]:
    """The file, unbuffered; closed at the end, also where the caller is cancelled while it opens."""
    opened: list[BinaryIO] = []
    try:
        await _in_thread(lambda: opened.append(path.open(mode, buffering=0)))
        yield opened[0]
    finally:
        for file in opened:
            await _in_thread(file.close)


async def _write(file: BinaryIO, chunks: AsyncIterable[bytes], limit: int) -> int:
    """Write the chunks in blocks, flush them to the disk, and return their size."""
    size = 0
    block = bytearray()
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"A file may have at most {limit:,} bytes", field="file")
        block += chunk
        if len(block) >= BLOCK_BYTES:
            await _in_thread(_write_all, file, block)
            block = bytearray()
    await _in_thread(_write_all, file, block)
    await _in_thread(os.fsync, file.fileno())
    return size


def _write_all(file: BinaryIO, block: bytes | bytearray) -> None:
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]


def _read_at(file: BinaryIO, position: int, end: int | None) -> bytes:
    length = BLOCK_BYTES if end is None else min(BLOCK_BYTES, end - position)
    file.seek(position)
    return file.read(length) if length > 0 else b""


def _publish(partial: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial.replace(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # The name is in the directory: without this a power cut may take it back.
    finally:
        os.close(directory)


def _remove_abandoned(incoming: Path, before: float) -> int:
    removed = 0
    for partial in incoming.glob("*"):
        try:
            if partial.stat().st_mtime < before:
                partial.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # Another process finished or removed it in this moment.
    return removed


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `call` in a thread, to its end also when the caller is cancelled meanwhile.

    Otherwise a file could be closed, and its descriptor be given to another, under the thread that writes it.
    """
    work = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
