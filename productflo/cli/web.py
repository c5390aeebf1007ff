"""One web process: what the children of `productflo serve` and `productflo up` do."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from productflo.event_loop import LoopMissing, loop_factory
from productflo.parent import tell_ready
from productflo.settings import Settings
from productflo.supervisor import Program

if TYPE_CHECKING:
    from hypercorn.config import Config
    from quart import Quart

    from productflo.web_process import WebProcess

CONFIG_FILE = Path("hypercorn.toml")
STOP_SECONDS = 8.0
"""From the end of a stop's delay to the end of the process, whatever still hangs."""
KILL_SECONDS = 2.0
"""Beyond that, until its parent kills a process that does not even give up."""
GARBAGE = (20_000, 20, 20)
"""When cycles are looked for: at so many new objects, and the older ones at every 20th such look. What this
process makes of a chat is gone by itself before; with Python's 700 a third of its time went into looking at
it, and at its connections again and again."""
NOT_OURS = ("bind", "insecure_bind", "quic_bind", "workers", "worker_class", "max_requests", "use_reloader")
"""Options of Hypercorn's about sockets and processes, which would have no effect."""

log = logging.getLogger("productflo")


def web_program(settings: Settings, listener: socket.socket, *words: str, piped: bool) -> Program:
    """The command for a web process on `listener`, told what its parent has decided in `settings`."""
    decided = {
        "PRODUCTFLO_WORKERS": str(settings.workers),
        "PRODUCTFLO_HOST": settings.host,
        "PRODUCTFLO_PORT": str(listener.getsockname()[1]),
        "PRODUCTFLO_ALLOWED_HOSTS": ",".join(settings.allowed_hosts),
        "REDIS_URL": settings.redis_url or "",
        "PYTHONUNBUFFERED": "1",
    }
    if settings.secret is not None:
        decided["PRODUCTFLO_SECRET"] = settings.secret.get_secret_value()
    fd = listener.fileno()
    return Program(
        "web",
        (sys.executable, "-m", "productflo.cli", "serve", "--fd", str(fd), *words),
        decided,
        (fd,),
        stop_seconds=settings.stop_delay + STOP_SECONDS + KILL_SECONDS,
        piped=piped,
    )


def run_web(settings: Settings, config: "Config", listener: socket.socket) -> None:
    """Serve on `listener` until a signal says to end. Needs `settings.redis_url`.

    SIGTERM and SIGINT: the server stops; /readyz says so for `stop_delay` first. SIGHUP: another process has
    taken over, and balancers need not know. Either way every socket is closed with 1012, requests in progress
    end, and a process in which something hangs ends after `STOP_SECONDS`. Raises `click.ClickException`.
    """
    try:
        factory = loop_factory(settings.loop)
    except LoopMissing as missing:
        raise click.ClickException(str(missing)) from None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(settings, config, listener))


def hypercorn_values(path: Path) -> Mapping[str, object]:
    """Read the operator's file for Hypercorn, where there is one. Raises `click.ClickException`."""
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} can not be read: {error}") from None
    for name in NOT_OURS:
        if name in values:
            raise click.ClickException(
                f"{path} sets {name}, which `productflo serve` does not use. Take it out; PRODUCTFLO_HOST, "
                "PRODUCTFLO_PORT and PRODUCTFLO_WORKERS say where to listen and in how many processes."
            )
    return values


def hypercorn_config(settings: Settings, path: Path) -> "Config":
    """Return what Hypercorn is told: safe values of ours, then the operator's file where there is one."""
    from hypercorn.config import Config

    ours: dict[str, object] = {
        "alpn_protocols": ["http/1.1"],
        "backlog": 1024,
        "errorlog": logging.getLogger("hypercorn"),
        "websocket_max_message_size": settings.max_message_bytes,
    }
    return Config.from_mapping({**ours, **hypercorn_values(path)})


async def _serve(settings: Settings, config: "Config", listener: socket.socket) -> None:
    from productflo.app import create_app
    from productflo.server.acceptor import LEAVE_TO_OTHERS, accepting

    app: Quart = create_app(settings)
    process: WebProcess = app.extensions["productflo"]
    ending = _end_on_signals(settings.stop_delay)
    await app.startup()
    gc.collect()
    gc.freeze()  # The code and what was built of it stay: nobody need look at them.
    gc.set_threshold(*GARBAGE)
    try:
        pause = LEAVE_TO_OTHERS if settings.workers > 1 else 0.0
        async with accepting(app, config, listener, pause) as acceptor:
            telling = asyncio.create_task(_tell_when_ready(process))
            if await ending == signal.SIGTERM:
                await process.announce_stop(settings.stop_delay)
            telling.cancel()
            acceptor.stop_accepting()
            async with asyncio.TaskGroup() as leaving:  # Together: all of it has `STOP_SECONDS`.
                leaving.create_task(process.drain())
                leaving.create_task(acceptor.finish())
    finally:
        await app.shutdown()


async def _tell_when_ready(process: "WebProcess") -> None:
    await process.ready()
    tell_ready()


def _end_on_signals(stop_delay: float) -> asyncio.Future[signal.Signals]:
    """Return what becomes the first signal that asks to end, from which on time is limited."""
    loop = asyncio.get_running_loop()
    ending: asyncio.Future[signal.Signals] = loop.create_future()

    def end(meaning: signal.Signals, seconds: float) -> None:
        if not ending.done():
            ending.set_result(meaning)
            loop.call_later(seconds, _give_up)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end, signal.SIGTERM, stop_delay + STOP_SECONDS)
    loop.add_signal_handler(signal.SIGHUP, end, signal.SIGHUP, STOP_SECONDS)
    return ending


def _give_up() -> None:
    log.error("the stop took longer than %.0f seconds and is cut short", STOP_SECONDS)
    os._exit(1)
