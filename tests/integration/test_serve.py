"""`productflo serve`: how it starts and, above all, how it stops."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from processes import PRODUCTFLO, environment, running
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from productflo.cli.web import STOP_SECONDS

JOIN = {
    "code": "join",
    "user_id": "ana",
    "room_id": "general",
    "timestamp": "2026-01-01T00:00:00Z",
    "data": {},
}


@pytest.mark.parametrize("joined", [True, False], ids=["in a room", "silent so far"])
async def test_a_stop_closes_open_sockets_with_1012(tmp_path: Path, joined: bool) -> None:
    """SIGTERM with an open WebSocket and an idle HTTP connection: 1012 at once, exit code 0."""
    async with running(*PRODUCTFLO, "serve", env=environment(tmp_path)) as server:
        found = await server.says(r"Running on http://127\.0\.0\.1:(\d+)")
        port = int(found[1])
        with socket.create_connection(("127.0.0.1", port)):
            async with connect(f"ws://127.0.0.1:{port}/ws") as client:
                if joined:
                    await client.send(json.dumps(JOIN))
                    assert json.loads(await client.recv())["code"] == "join"
                begin = time.monotonic()
                os.kill(server.pid, signal.SIGTERM)
                with pytest.raises(ConnectionClosed) as closed:
                    await client.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1012
                assert await server.ends() == 0
                assert time.monotonic() - begin < STOP_SECONDS
    assert not any("Traceback" in line for line in server.lines)


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """The port of another program: who has it and what to set, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with running(*PRODUCTFLO, "serve", env=environment(tmp_path, PRODUCTFLO_PORT=port)) as server:
            assert await server.ends() == 1
    assert any(f"taken by process {os.getpid()}" in line for line in server.lines)
    assert not any("Traceback" in line for line in server.lines)


async def test_hypercorns_file_is_read(tmp_path: Path) -> None:
    """`--config` names Hypercorn's file; one that is not there is an error."""
    async with running(*PRODUCTFLO, "serve", "--config", "no.toml", env=environment(tmp_path)) as server:
        assert await server.ends() == 1
    assert "Error: There is no file no.toml." in server.lines
    (tmp_path / "quiet.toml").write_text('loglevel = "ERROR"\nroot_path = "/chat"\n')
    command = (*PRODUCTFLO, "serve", "--config", str(tmp_path / "quiet.toml"))
    async with running(*command, env=environment(tmp_path)) as server:
        await server.says(r"Running on")
