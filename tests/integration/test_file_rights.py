"""Files that are handed out: safely, and only to those with the right to them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_site import LIMIT, PNG, SERVICE_KEY, Site, file_site
from redis.asyncio import Redis

from productflo.blobs.local import LocalBlobs
from productflo.domain.identity import Identity
from productflo.errors import NotFound, PermissionDenied
from productflo.service.files import Files
from productflo.store.files import FileStore
from productflo.store.keys import RoomKeys

ANA = Identity("ana", "Ana")
BEN = Identity("ben", "Ben")


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[Site]:
    """An open server with files."""
    async with file_site(redis, tmp_path) as running:
        yield running


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
    operator = await site.http.get(f"/files/{file_id}", headers={"X-Service-Key": SERVICE_KEY})
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
