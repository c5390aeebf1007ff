"""Whoever opens a socket and never comes to the point is hung up on."""

import asyncio
from pathlib import Path

from chatting import PATIENCE_SECONDS, Server
from processes import PRODUCTFLO, environment, running

HEAD = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nX-Padding: "
KEEP_ALIVE = 1  # Seconds; `hypercorn.toml` as it comes with the product says 15.
DRIBBLE = 0.05  # Seconds between two bytes of one who pretends to be slow.


async def hung_up(port: int, opening: bytes, *, dribbles: bool) -> None:
    """Return when the server has closed a connection on which this was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(opening)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not reader.at_eof():
                try:
                    async with asyncio.timeout(DRIBBLE):
                        await reader.read(1000)
                except TimeoutError:
                    if dribbles:
                        writer.write(b"x")
    except ConnectionError:
        pass  # A reset ends it as well.
    finally:
        writer.close()


async def test_a_handshake_that_never_ends_is_cut(store_url: str, tmp_path: Path) -> None:
    """After Hypercorn's keep-alive time, whether it stands still or dribbles; others are served meanwhile."""
    config = tmp_path / "hypercorn.toml"
    config.write_text(f"keep_alive_timeout = {KEEP_ALIVE}\n")
    env = environment(tmp_path, REDIS_URL=store_url)
    async with running(*PRODUCTFLO, "serve", "--config", str(config), env=env) as process:
        port = int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1])
        half_a_head = HEAD.format(port=port).encode()
        async with Server(port).client("ada") as ada, asyncio.TaskGroup() as slow:
            slow.create_task(hung_up(port, b"", dribbles=False))
            slow.create_task(hung_up(port, half_a_head, dribbles=False))
            slow.create_task(hung_up(port, half_a_head, dribbles=True))
            assert await ada.settled() == []
