"""`productflo serve`: the web process."""

import asyncio
import logging
import os
import signal
import socket
import tomllib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from productflo.cli.configuration import load_settings
from productflo.logs import set_up_logging
from productflo.network import CannotListen, is_loopback, listen
from productflo.settings import Settings
from productflo.store.embedded import EmbeddedStore, StoreFailed

if TYPE_CHECKING:
    from hypercorn.config import Config
    from quart import Quart

STOP_SECONDS = 8.0  # From the request to stop to the end of the process, whatever still hangs.
CONFIG_FILE = Path("hypercorn.toml")

log = logging.getLogger("productflo")


class Drains(Protocol):
    """What `create_app` leaves in `app.extensions["productflo"]`."""

    async def drain(self) -> None:
        """Close every WebSocket with 1012 (come back shortly); return when they are closed."""


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), help="Hypercorn's settings.  [default: hypercorn.toml]"
)
@click.option("--force-open", is_flag=True, help="Let everybody on the network in, under any name.")
@click.option("--fd", type=int, hidden=True, help="A listening socket inherited from `productflo up`.")
def serve(config: Path | None, force_open: bool, fd: int | None) -> None:
    """Run the web process."""
    settings = load_settings()
    if settings.is_open and not is_loopback(settings.host) and not force_open:
        raise click.ClickException(
            f"Without a secret people may say to be anybody, so this server does not bind {settings.host}. "
            "Start it with `./run --share`, or set PRODUCTFLO_SECRET, or say --force-open if that is wanted."
        )
    set_up_logging(settings.log_level, settings.log_format)
    if config is not None and not config.exists():
        raise click.ClickException(f"There is no file {config}.")
    try:
        listener = listen(settings.host, settings.port) if fd is None else socket.socket(fileno=fd)
        with listener, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, hypercorn_config(settings, config or CONFIG_FILE, listener)))
    except (CannotListen, StoreFailed) as failure:
        raise click.ClickException(str(failure)) from None


def hypercorn_config(settings: Settings, path: Path, listener: socket.socket) -> "Config":
    """Return what Hypercorn is told: safe values of ours, then the operator's file where there is one."""
    from hypercorn.config import Config

    values: dict[str, object] = {
        "alpn_protocols": ["http/1.1"],
        "backlog": 1024,
        "errorlog": logging.getLogger("hypercorn"),
        "websocket_max_message_size": settings.max_message_bytes,
    }
    if path.exists():
        values |= tomllib.loads(path.read_text())
    config = Config.from_mapping(values)
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    return config


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    """Return uvloop's loop where it is installed: it halves the cost of a send."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


async def _serve(settings: Settings, config: "Config") -> None:
    """Serve until SIGTERM or SIGINT, on a share in the embedded store where no other is set."""
    from productflo.app import create_app

    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            store = await stack.enter_async_context(EmbeddedStore(settings.data_dir, "productflo serve"))
            settings = settings.model_copy(update={"redis_url": store.url})
        await serve_until_stopped(create_app(settings), config)


async def serve_until_stopped(app: "Quart", config: "Config") -> None:
    """Serve `app` until SIGTERM or SIGINT, then drain it and return; a stop that hangs ends the process."""
    from hypercorn.asyncio import serve as hypercorn_serve

    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            loop.call_later(STOP_SECONDS, _give_up)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop)

    async def stopped_and_drained() -> None:
        # Hypercorn would wait for open sockets, on Python 3.12 and later without an end: close them first.
        await stopping.wait()
        drains: Drains = app.extensions["productflo"]
        await drains.drain()

    await hypercorn_serve(app, config, shutdown_trigger=stopped_and_drained)


def _give_up() -> None:
    log.error("the stop took longer than %.0f seconds and is cut short", STOP_SECONDS)
    os._exit(1)
