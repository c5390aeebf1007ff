"""Bytes on the disk: all of a file or nothing of it."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from productflo.blobs.local import ABANDONED_SECONDS, BLOCK_BYTES, LocalBlobs
from productflo.errors import NotFound, TooLarge

BIG = os.urandom(BLOCK_BYTES * 2 + 1000)


async def chunked(data: bytes, size: int = 50_000) -> AsyncIterator[bytes]:
    """What a network gives: pieces that fit no block."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def read(blobs: LocalBlobs, blob_id: str, begin: int = 0, end: int | None = None) -> bytes:
    return b"".join([block async for block in blobs.open(blob_id, begin, end)])


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_bytes_come_back(tmp_path: Path) -> None:
    """What was put is read, as a whole and in part, and gone when deleted."""
    blobs = LocalBlobs(tmp_path)
    assert await blobs.put("file_abc", chunked(BIG), len(BIG)) == len(BIG)
    assert files(tmp_path) == ["bc/file_abc"]
    assert await blobs.size("file_abc") == len(BIG)
    assert await read(blobs, "file_abc") == BIG
    assert await read(blobs, "file_abc", 10, BLOCK_BYTES + 20) == BIG[10 : BLOCK_BYTES + 20]
    assert await read(blobs, "file_abc", len(BIG)) == b""
    await blobs.delete("file_abc")
    await blobs.delete("file_abc")
    with pytest.raises(NotFound):
        await blobs.size("file_abc")
    with pytest.raises(NotFound):
        await read(blobs, "file_abc")


async def test_a_byte_too_many_leaves_nothing(tmp_path: Path) -> None:
    """The limit itself fits; one byte more does not, and its file is gone."""
    blobs = LocalBlobs(tmp_path)
    with pytest.raises(TooLarge):
        await blobs.put("file_abc", chunked(BIG), len(BIG) - 1)
    assert files(tmp_path) == []


async def test_a_broken_source_leaves_nothing(tmp_path: Path) -> None:
    """Whatever ends the source ends the file."""

    async def broken() -> AsyncIterator[bytes]:
        yield BIG
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await LocalBlobs(tmp_path).put("file_abc", broken(), len(BIG))
    assert files(tmp_path) == []


async def test_a_cancelled_put_leaves_nothing(tmp_path: Path) -> None:
    """Cancelled while it waits for more, it removes what it had written."""
    waiting = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield BIG
        waiting.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(LocalBlobs(tmp_path).put("file_abc", endless(), len(BIG)))
    await waiting.wait()
    assert files(tmp_path) != []
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert files(tmp_path) == []


async def cancel_after(turns: int, task: asyncio.Task[object]) -> bool:
    """Let the loop turn, then cancel the task; whether that came before its end."""
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_anywhere_nothing_is_left_open(tmp_path: Path, turns: int) -> None:
    """Also while a thread opens, writes or closes: no file, and no descriptor, which pytest would tell."""
    blobs = LocalBlobs(tmp_path)
    if await cancel_after(turns, asyncio.create_task(blobs.put("file_abc", chunked(BIG), len(BIG)))):
        assert files(tmp_path) == []
    await blobs.put("file_abc", chunked(BIG), len(BIG))
    await cancel_after(turns, asyncio.create_task(read(blobs, "file_abc")))
    gc.collect()


async def test_nobody_sees_a_part(tmp_path: Path) -> None:
    """Until its last byte is on the disk, a file is not there."""
    blobs = LocalBlobs(tmp_path)

    async def watched() -> AsyncIterator[bytes]:
        yield BIG
        with pytest.raises(NotFound):
            await blobs.size("file_abc")
        yield b"end"

    await blobs.put("file_abc", watched(), len(BIG) + 3)
    assert await blobs.size("file_abc") == len(BIG) + 3


async def test_a_file_is_flushed_before_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut finds a whole file or none: first the bytes, then the name, then the folder."""
    done: list[str] = []

    def note(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def noted(*args: object, **more: object) -> object:
            done.append(name)
            return call(*args, **more)

        return noted

    monkeypatch.setattr(os, "fsync", note("flush", os.fsync))
    monkeypatch.setattr(Path, "replace", note("name", Path.replace))
    await LocalBlobs(tmp_path).put("file_abc", chunked(BIG), len(BIG))
    assert done == ["flush", "name", "flush"]


async def test_a_reader_that_stops_closes_the_file(tmp_path: Path) -> None:
    """A download that is cut gives its descriptor back."""
    blobs = LocalBlobs(tmp_path)
    await blobs.put("file_abc", chunked(BIG), len(BIG))
    async with aclosing(blobs.open("file_abc")) as blocks:
        assert len(await anext(blocks)) == BLOCK_BYTES
    gc.collect()  # pytest turns the warning of a file that was never closed into a failure.


@pytest.mark.parametrize("bad", ["", "../etc/passwd", "a/b", "file_\x00", "FILE_ABC", "..", "x" * 65])
async def test_an_id_is_never_a_path(tmp_path: Path, bad: str) -> None:
    """An id that could lead out of the folder is a programming error, not a file."""
    with pytest.raises(ValueError, match="not a blob id"):
        await LocalBlobs(tmp_path).size(bad)


async def test_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    """Only unfinished files, and only those that nobody can still be writing."""
    blobs = LocalBlobs(tmp_path)
    assert await blobs.sweep() == 0
    await blobs.put("file_abc", chunked(BIG), len(BIG))
    incoming = tmp_path / "incoming"
    (incoming / "old").write_bytes(b"x")
    (incoming / "new").write_bytes(b"x")
    long_ago = (incoming / "old").stat().st_mtime - ABANDONED_SECONDS - 1
    os.utime(incoming / "old", (long_ago, long_ago))
    os.utime(tmp_path / "bc" / "file_abc", (long_ago, long_ago))
    assert await blobs.sweep() == 1
    assert files(tmp_path) == ["bc/file_abc", "incoming/new"]
