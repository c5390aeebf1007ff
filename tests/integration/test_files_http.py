"""Files over real Hypercorn and a real store: taken in as a stream, handed out safely, and only to those
with the right to them."""

import asyncio
import resource
import time
import tracemalloc
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from quart import Quart
from redis.asyncio import Redis
from redis.exceptions import RedisError
from serving import JSON_LIMIT, SlowUpload, doors, serving

from productflo.blobs.local import LocalBlobs
from productflo.domain.identity import Identity
from productflo.errors import NotFound, PermissionDenied
from productflo.service.files import Details, Files
from productflo.store.files import FileStore
from productflo.store.keys import RoomKeys
from productflo.web.guard import Guard

LIMIT = 64 * 1024 * 1024
ANA = Identity("ana", "Ana")
BEN = Identity("ben", "Ben")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


class WatchedBlobs(LocalBlobs):
    """The real disk, made slow, that tells when an upload has begun and ended."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.seconds_a_chunk = 0.0

    async def put(self, blob_id: str, chunks: AsyncIterable[bytes], limit: int) -> int:
        async def slowly() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                self.began.set()
                if self.seconds_a_chunk:
                    await asyncio.to_thread(time.sleep, self.seconds_a_chunk)
                yield chunk

        try:
            return await super().put(blob_id, slowly(), limit)
        finally:
            self.ended.set()

    def kept(self) -> list[Path]:
        """Every file on the disk, finished or not."""
        return [path for path in self.root.rglob("*") if path.is_file()]


@dataclass
class Site:
    """A running server and what stands behind it."""

    app: Quart
    port: int
    files: Files
    blobs: WatchedBlobs
    redis: Redis
    http: httpx.AsyncClient

    async def upload(self, content: bytes, name: str = "a.bin", mime: str | None = None, **more: str) -> str:
        answer = await self.http.post(
            "/files", files={"file": (name, content, mime)}, data=more, headers={"X-User-Id": "ana"}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def get(self, path: str, user: str = "ana", **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={"X-User-Id": user} | headers)

    async def attach(self, room: str, file_id: str, member: str) -> None:
        """What the append script leaves of an accepted chat."""
        await self.files.intend(room, [file_id])
        await self.redis.hincrby(RoomKeys(room).files, file_id, 1)
        await self.redis.hset(RoomKeys(room).members, member, "1")


def guard() -> Guard:
    return Guard(secret=None, service_key="k" * 32, allowed_hosts=(), reserved={"haitch"}.__contains__)


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[Site]:
    """An open server with files."""
    blobs = WatchedBlobs(tmp_path / "files")
    files = Files(FileStore(redis), blobs, LIMIT)
    app = doors(guard(), files)
    async with (
        serving(app) as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=60) as http,
    ):
        yield Site(app, port, files, blobs, redis, http)


@pytest.mark.parametrize("path", ["/files", "/files/upload"])
async def test_a_file_comes_back_as_it_was(site: Site, path: str) -> None:
    """Upload, metadata and download, at both addresses that the public API names."""
    answer = await site.http.post(
        path,
        files={"file": ("Gehäuse v2.png", PNG, "text/html")},
        data={"product_id": "product123", "description": "Side view", "tags": "case, v2,,case"},
        headers={"X-User-Id": "ana"},
    )
    assert answer.status_code == 201
    described = answer.json()
    file_id = described["id"]
    assert file_id.startswith("file_")
    assert len(file_id) == 31
    created_at = described.pop("created_at")
    assert created_at.endswith("Z")
    assert described == {
        "id": file_id,
        "name": "Gehäuse v2.png",
        "size": len(PNG),
        "mime_type": "image/png",
        "created_by": "ana",
        "product_id": "product123",
        "description": "Side view",
        "tags": ["case", "v2"],
        "url": f"/files/{file_id}/download",
    }
    assert (await site.get(f"/files/{file_id}")).json() == described | {"created_at": created_at}
    content = await site.get(described["url"])
    assert content.content == PNG
    assert content.headers["content-type"] == "image/png"
    assert content.headers["content-length"] == str(len(PNG))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<!doctype html><script>alert(1)</script>"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("b.html", b"<html>\xff\x00<script>alert(1)</script></html>"),
        ("a.pdf", b"%PDF-1.7 with a script"),
    ],
)
async def test_what_a_browser_would_run_is_saved_instead(site: Site, name: str, content: bytes) -> None:
    """Never inline, never by its own type, never with a script's rights, never guessed by the browser."""
    file_id = await site.upload(content, name, "text/html")
    answer = await site.get(f"/files/{file_id}/download")
    assert (
        answer.headers["content-disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    )
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["content-type"].split(";")[0] in {"text/plain", "application/octet-stream"}


async def test_a_name_can_not_break_out_of_its_header(site: Site) -> None:
    """Quotes, line ends and paths of a client's name end neither the header nor the folder."""
    file_id = await site.upload(b"x", 'a/b\\c"; evil="\r\nSet-Cookie: x=ä.txt')
    answer = await site.get(f"/files/{file_id}/download")
    assert "set-cookie" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert disposition.count('"') == 2
    assert "\\" not in disposition


async def test_files_are_their_uploader_s_until_a_room_attaches_them(site: Site) -> None:
    """Nobody else may read a file, until a chat in a room of theirs attaches it; and no longer than that."""
    file_id = await site.upload(PNG)
    for path in (f"/files/{file_id}", f"/files/{file_id}/download"):
        assert (await site.get(path, "ben")).status_code == 403
    await site.attach("lab", file_id, "ben")
    for path in (f"/files/{file_id}", f"/files/{file_id}/download"):
        assert (await site.get(path, "ben")).status_code == 200
        assert (await site.get(path, "eve")).status_code == 403
    await site.redis.hset(RoomKeys("lab").files, file_id, 0)
    assert (await site.get(f"/files/{file_id}", "ben")).status_code == 403
    await site.redis.hset(RoomKeys("lab").files, file_id, 1)
    await site.redis.hdel(RoomKeys("lab").members, "ben")
    assert (await site.get(f"/files/{file_id}", "ben")).status_code == 403


async def test_an_intent_gives_no_right(site: Site) -> None:
    """A chat that was never accepted left only the index: that opens nothing."""
    file_id = await site.upload(PNG)
    await site.redis.hset(RoomKeys("lab").members, "ben", "1")
    await site.files.intend("lab", [file_id])
    assert (await site.get(f"/files/{file_id}", "ben")).status_code == 403


async def test_who_is_nobody_gets_nothing(site: Site) -> None:
    """No identity, no file; an operator reads all; what does not exist is not found."""
    file_id = await site.upload(PNG)
    assert (await site.http.get(f"/files/{file_id}")).status_code == 401
    assert (await site.http.post("/files", files={"file": b"x"})).status_code == 401
    operator = await site.http.get(f"/files/{file_id}", headers={"X-Service-Key": "k" * 32})
    assert operator.status_code == 200
    for missing in ("file123", "file_" + "0" * 26, "..%2f..%2fetc"):
        assert (await site.get(f"/files/{missing}/download")).status_code == 404


async def test_what_may_be_attached(site: Site) -> None:
    """One's own files, those of one's rooms, and ids of other services; errors name the field."""
    mine, other = await site.upload(PNG), await site.upload(b"two")
    assert await site.files.attachable(ANA, [mine, "file123", mine, other]) == (mine, other)
    with pytest.raises(PermissionDenied) as denied:
        await site.files.attachable(BEN, [mine])
    assert denied.value.field == "data.attached_files"
    with pytest.raises(NotFound) as unknown:
        await site.files.attachable(ANA, [mine, "file_" + "0" * 26])
    assert unknown.value.field == "data.attached_files"
    await site.attach("lab", mine, "ben")
    assert await site.files.attachable(BEN, [mine]) == (mine,)
    with pytest.raises(PermissionDenied, match=other):
        await site.files.attachable(BEN, [mine, other])
    assert await site.files.attachable(replace(BEN, operator=True), [mine, other]) == (mine, other)


async def test_references_to_other_services_cost_nothing(tmp_path: Path) -> None:
    """A chat with the seed's file ids asks no store: here there is none to be reached."""
    nowhere = Redis.from_url(f"unix://{tmp_path}/no-store")
    files = Files(FileStore(nowhere), LocalBlobs(tmp_path), LIMIT)
    assert await files.attachable(ANA, ["file123", "file456"]) == ()
    await files.intend("lab", [])
    await nowhere.aclose()


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=100-", 206, 100, len(PNG)),
        ("bytes=-5", 206, len(PNG) - 5, len(PNG)),
        ("bytes=-999999", 206, 0, len(PNG)),
        ("bytes=10-999999", 206, 10, len(PNG)),
        ("bytes=999999-", 416, 0, 0),
    ],
)
async def test_ranges(site: Site, asked: str, status: int, begin: int, end: int) -> None:
    """A player seeks and a download goes on, with exactly the bytes asked for."""
    answer = await site.get(f"/files/{await site.upload(PNG)}/download", Range=asked)
    assert answer.status_code == status
    if status == 206:
        assert answer.content == PNG[begin:end]
        assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(PNG)}"


async def test_what_the_browser_has_is_not_sent_again(site: Site) -> None:
    """The same ETag is 304 without bytes; a range of another ETag is the whole file."""
    path = f"/files/{await site.upload(PNG)}/download"
    etag = (await site.get(path)).headers["etag"]
    same = await site.get(path, **{"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    other = await site.get(path, Range="bytes=0-9", **{"If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, PNG)


async def test_an_empty_file_is_a_file(site: Site) -> None:
    """Nothing in it, and still uploaded and downloaded."""
    answer = await site.get(f"/files/{await site.upload(b'', 'empty.txt')}/download")
    assert (answer.status_code, answer.content) == (200, b"")


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
