"""A system that allows few open files: so many connections are taken, and the rest is told."""

from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from chatting import Server
from processes import PRODUCTFLO, environment, running
from websockets.exceptions import InvalidStatus

from productflo.network import DESCRIPTORS_BESIDE

ROOM = 20


async def test_a_process_takes_as_many_as_it_has_descriptors_for(store_url: str, tmp_path: Path) -> None:
    """The next is refused with 503, and everything else goes on; the operator is told at the start."""
    few = DESCRIPTORS_BESIDE + ROOM
    command = ("bash", "-c", f'ulimit -n {few}; exec "$@"', "bash", *PRODUCTFLO, "serve")
    env = environment(tmp_path, REDIS_URL=store_url, PRODUCTFLO_MAX_CONNECTIONS_PER_USER="1000")
    async with running(*command, env=env) as process, AsyncExitStack() as clients:
        server = Server(int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1]))
        assert [line for line in process.lines if f"it takes {ROOM} WebSockets" in line]
        crowd = [await clients.enter_async_context(server.client("ada")) for _ in range(ROOM)]
        with pytest.raises(InvalidStatus, match="503"):
            await clients.enter_async_context(server.client("ada"))
        async with httpx.AsyncClient(base_url=server.http) as http:
            assert (await http.get("/readyz")).status_code == 200
        for client in crowd:
            assert await client.settled() == []
