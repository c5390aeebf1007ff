"""`productflo up`: everything at once, on this machine."""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import click

from productflo.cli.access import Link, invitation_links
from productflo.cli.check import watched_store
from productflo.cli.configuration import load_settings, shared_settings
from productflo.cli.signals import obey_signals
from productflo.cli.web import CONFIG_FILE, hypercorn_values, web_program
from productflo.network import CannotListen, is_loopback, listen, own_addresses, refuse
from productflo.pool import Pool
from productflo.settings import Settings
from productflo.store.embedded import EmbeddedStore, StoreFailed, holder_of
from productflo.supervisor import Child, Program, any_set, say, supervised

STRIKE_SECONDS = 0.5  # A server that was killed a moment ago is still listed; its keeper notices in less.


@click.command()
@click.option(
    "--share", is_flag=True, help="Open it to the network, with an invitation link for a colleague."
)
def up(share: bool) -> None:
    """Start the store, the web process and an assistants worker.

    Ctrl-C stops them. SIGHUP replaces them by new ones, so that new code and files of settings count.
    """
    settings = load_settings()
    logging.basicConfig(level=logging.INFO, format=f"{'store':<10} | %(message)s")
    try:
        if share:
            settings = shared_settings(settings)
        _refuse_used_folder(settings)
        with listen(settings.host, settings.port) as listener:
            sys.exit(asyncio.run(_up(settings, listener, share)))
    except (CannotListen, StoreFailed) as failure:
        raise click.ClickException(str(failure)) from None


def _refuse_used_folder(settings: Settings) -> None:
    if settings.redis_url is not None or holder_of(settings.data_dir) is None:
        return
    time.sleep(STRIKE_SECONDS)
    if holder := holder_of(settings.data_dir):
        raise StoreFailed(
            f"The data folder {settings.data_dir.resolve()} is in use by {' and '.join(holder.users)}. "
            "Stop that one, or start this one on a folder of its own: PRODUCTFLO_DATA_DIR=other-data ./run"
        )


async def _up(settings: Settings, listener: socket.socket, share: bool) -> int:
    """Run everything until a signal asks to stop; return the exit code."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            store = await stack.enter_async_context(
                EmbeddedStore(settings.data_dir, "productflo up", fsync=settings.fsync)
            )
            settings = settings.model_copy(update={"redis_url": store.url})
        settings = _where_bound(settings, listener)
        unfit = await stack.enter_async_context(watched_store(settings))
        program = web_program(settings, listener, piped=True)
        web = Pool(program, settings.workers, say)
        command = (sys.executable, "-m", "productflo.cli", "assistants", "run")
        worker = Child(Program("assistants", command, program.environment), say)
        stopping = obey_signals((web, worker))
        async with supervised((web, worker)):
            await any_set(web.serving, web.given_up, stopping, unfit)
            if web.serving.is_set():
                await _announce(settings, share)
                await any_set(web.given_up, stopping, unfit)
            asyncio.get_running_loop().call_later(settings.stop_delay, refuse, listener)
            if not unfit.is_set():
                why = "stopping" if stopping.is_set() else "the web process does not start; it said why above"
                say("up", why)
    return 0 if stopping.is_set() else 1


def _where_bound(settings: Settings, listener: socket.socket) -> Settings:
    """Return `settings` with the port that was bound and, on the network, this machine's names in it."""
    port = listener.getsockname()[1]
    names = () if is_loopback(settings.host) else own_addresses()
    allowed = (*settings.allowed_hosts, *(f"{name}:{port}" for name in names))
    return settings.model_copy(update={"port": port, "allowed_hosts": allowed})


def _own_address(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


async def _announce(settings: Settings, share: bool) -> None:
    scheme = "https" if "certfile" in hypercorn_values(CONFIG_FILE) else "http"
    address = _own_address(settings.host)
    home = f"{scheme}://{f'[{address}]' if ':' in address else address}:{settings.port}"
    links: Sequence[Link] = await invitation_links(settings, scheme, home) if share else ()
    print(
        f"\nProductFlo chat is ready at {home}/", *map(str, links), "Ctrl-C stops it.", sep="\n", end="\n\n"
    )
    sys.stdout.flush()
