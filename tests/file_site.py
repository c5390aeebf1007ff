"""A running open server that takes files, on a disk that can be made slow and watched."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from quart import Quart
from redis.asyncio import Redis
from serving import doors, serving

from productflo.blobs.local import LocalBlobs
from productflo.service.files import Files
from productflo.store.files import FileStore
from productflo.store.keys import RoomKeys
from productflo.web.guard import Guard

LIMIT = 64 * 1024 * 1024
SERVICE_KEY = "k" * 32
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


@asynccontextmanager
async def file_site(redis: Redis, folder: Path) -> AsyncIterator[Site]:
    """A server without a secret that keeps its files in `folder`."""
    blobs = WatchedBlobs(folder / "files")
    files = Files(FileStore(redis), blobs, LIMIT)
    guard = Guard(secret=None, service_key=SERVICE_KEY, allowed_hosts=(), reserved={"haitch"}.__contains__)
    app = doors(guard, files)
    async with (
        serving(app) as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=60) as http,
    ):
        yield Site(app, port, files, blobs, redis, http)
