"""Uploads over real Hypercorn: streamed to the disk, whole or not at all, whatever the client does."""

import asyncio
import resource
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from file_site import LIMIT, PNG, Site, WatchedBlobs, file_site
from redis.asyncio import Redis
from redis.exceptions import RedisError
from serving import JSON_LIMIT, SlowUpload

from productflo.domain.identity import Identity
from productflo.service.files import Details, Files
from productflo.store.files import FileStore

ANA = Identity("ana", "Ana")


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[Site]:
    """An open server with files."""
    async with file_site(redis, tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"data": {"file": "x"}}, "file"),
        ({"files": {"other": b"x"}}, "file"),
        ({"files": [("file", b"x"), ("file", b"y")]}, "file"),
        ({"files": {"file": b"x"}, "data": {"product_id": "p" * 200}}, "product_id"),
        ({"files": {"file": b"x"}, "data": {"tags": ",".join(map(str, range(30)))}}, "tags"),
        ({"json": {"file": "x"}}, "file"),
    ],
)
async def test_bad_forms_say_which_field_and_leave_nothing(site: Site, sent: dict, field: str) -> None:
    """A form that is not as documented is answered with the field, and its bytes are gone."""
    answer = await site.http.post("/files", headers={"X-User-Id": "ana"}, **sent)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == field
    assert site.blobs.kept() == []


async def test_a_file_that_says_it_is_too_large_is_refused_unread(site: Site) -> None:
    """By its Content-Length alone: nothing is asked of the disk."""
    async with SlowUpload(site.port, length=LIMIT * 2) as upload, asyncio.timeout(10):
        answer = await upload.answer()
    assert b" 413 " in answer
    assert f"{LIMIT:,} bytes".encode() in answer
    assert not site.blobs.began.is_set()


async def test_a_file_that_turns_out_too_large_leaves_nothing(site: Site) -> None:
    """Sent in chunks without a length, it is refused when the limit is passed; the client reads why."""
    site.files.max_bytes = 1_000_000
    async with SlowUpload(site.port) as upload:
        await upload.send(upload.opening)
        for _ in range(64):
            await upload.send(bytes(65_536))
        answer = await upload.answer()
    assert b" 413 " in answer
    assert b"1,000,000 bytes" in answer
    assert site.blobs.began.is_set()
    assert site.blobs.kept() == []


@pytest.mark.parametrize("length", [None, 20_000_000])
async def test_who_sends_on_after_a_refusal_still_reads_why(site: Site, length: int | None) -> None:
    """Browsers send all of a form before they look at the answer: a reset in the middle would hide it."""
    site.files.max_bytes = 1_000_000
    async with SlowUpload(site.port, length=length) as upload, asyncio.timeout(10):
        await upload.send(upload.opening + bytes(1_000_000 - len(upload.opening)))
        for _ in range(19):
            await upload.send(bytes(1_000_000))
        assert b" 413 " in await upload.answer()


async def test_an_ordinary_body_without_a_length_is_refused_at_its_limit(site: Site) -> None:
    """Not at its end, which need not come."""
    async with SlowUpload(site.port, "/echo") as body, asyncio.timeout(10):
        await body.send(bytes(JSON_LIMIT + 1))
        assert b" 413 " in await body.answer()


async def test_a_cut_upload_leaves_nothing(site: Site) -> None:
    """The client goes away in the middle: neither a part of the file nor a record stays."""
    async with SlowUpload(site.port, length=10_000_000) as upload:
        await upload.send(upload.opening + bytes(3_000_000))
        await asyncio.wait_for(site.blobs.began.wait(), 10)
    await asyncio.wait_for(site.blobs.ended.wait(), 10)
    assert site.blobs.kept() == []
    assert [key async for key in site.redis.scan_iter("file:*")] == []


async def test_a_file_without_a_record_does_not_stay(tmp_path: Path) -> None:
    """The store goes away between the bytes and the record: the bytes go too."""
    blobs = WatchedBlobs(tmp_path / "files")
    nowhere = Redis.from_url(f"unix://{tmp_path}/no-store")
    files = Files(FileStore(nowhere), blobs, LIMIT)

    async def chunks() -> AsyncIterator[bytes]:
        yield PNG

    received = await files.receive("a.png", chunks())
    assert len(blobs.kept()) == 1
    with pytest.raises(RedisError):
        await files.keep(ANA, received, Details())
    assert blobs.kept() == []
    await nowhere.aclose()


async def test_a_full_disk_is_told(site: Site) -> None:
    """The operating system refuses to write more: 507, and nothing stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        answer = await site.http.post(
            "/files", files={"file": bytes(2_000_000)}, headers={"X-User-Id": "ana"}
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 507
    assert answer.json()["error"]["code"] == "STORE_FULL"
    assert site.blobs.kept() == []


async def test_sixty_megabytes_pass_through_ten(site: Site) -> None:
    """A client that sends faster than the disk writes is slowed down instead of kept in memory."""
    site.blobs.seconds_a_chunk = 0.002
    block = bytes(65_536)
    blocks = 60 * 16
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        async with SlowUpload(site.port) as upload:
            await upload.send(upload.opening)
            for _ in range(blocks):
                await upload.send(block)
            await upload.send(upload.closing)
            await upload.end()
            answer = await upload.answer()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert b" 201 " in answer
    assert f'"size":{blocks * len(block)}'.encode() in answer
    assert peak - before < 10_000_000


async def test_a_file_may_be_larger_than_other_bodies(site: Site) -> None:
    """The limit of ordinary bodies holds for ordinary bodies only."""
    await site.upload(bytes(JSON_LIMIT * 3))
    headers = {"X-User-Id": "ana", "Content-Type": "application/json"}
    fits = await site.http.post("/echo", content=bytes(JSON_LIMIT), headers=headers)
    assert fits.json() == {"size": JSON_LIMIT}
    assert (await site.http.post("/echo", content=bytes(JSON_LIMIT + 1), headers=headers)).status_code == 413

    async def chunked() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(JSON_LIMIT // 4)

    assert (await site.http.post("/echo", content=chunked(), headers=headers)).status_code == 413


async def test_an_upload_that_stands_still_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the minute that Quart gives a whole body, but when next to nothing comes."""
    monkeypatch.setattr("productflo.web.multipart.STALL_SECONDS", 0.2)
    async with SlowUpload(site.port, length=1_000_000) as upload, asyncio.timeout(10):
        await upload.send(upload.opening + bytes(1000))
        answer = await upload.answer()
    assert b" 400 " in answer
    assert b"stood still" in answer
    assert site.blobs.kept() == []


async def test_a_slow_upload_may_take_longer_than_a_body(site: Site) -> None:
    """Quart's time for a whole body does not count for a file that goes on arriving."""
    site.app.config["BODY_TIMEOUT"] = 0.05
    site.blobs.seconds_a_chunk = 0.3
    await site.upload(bytes(1_000_000))
