"""`productflo serve`: web processes that share a port, and the parent that keeps them."""

import asyncio
import logging
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import click

from productflo.cli.check import watched_store
from productflo.cli.configuration import load_settings
from productflo.cli.signals import obey_signals
from productflo.cli.web import CONFIG_FILE, hypercorn_config, hypercorn_values, run_web, web_program
from productflo.logs import set_up_logging
from productflo.network import CannotListen, is_loopback, listen, refuse
from productflo.pool import Pool
from productflo.settings import Settings
from productflo.store.embedded import EmbeddedStore, StoreFailed
from productflo.supervisor import any_set, supervised

log = logging.getLogger("productflo")


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 128), help="Web processes.  [default: PRODUCTFLO_WORKERS, or 1]"
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="Hypercorn's settings.  [default: hypercorn.toml]"
)
@click.option("--force-open", is_flag=True, help="Let everybody on the network in, under any name.")
@click.option("--fd", type=int, hidden=True, help="Be one web process, on this listening socket.")
def serve(workers: int | None, config: Path | None, force_open: bool, fd: int | None) -> None:
    """Run the web server: processes that share a port, and a parent that starts them again.

    SIGTERM and Ctrl-C stop it; every client is told when to come back. SIGHUP replaces its processes one
    after the other, and nobody is turned away: for new code, certificates, or another hypercorn.toml.
    """
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
        if fd is not None:
            with socket.socket(fileno=fd) as listener:
                run_web(settings, hypercorn_config(settings, config or CONFIG_FILE), listener)
            return
        if workers is not None:
            settings = settings.model_copy(update={"workers": workers})
        scheme = "https" if "certfile" in hypercorn_values(config or CONFIG_FILE) else "http"
        words = (*(("--config", str(config)) if config else ()), *(("--force-open",) if force_open else ()))
        with listen(settings.host, settings.port) as listener:
            sys.exit(asyncio.run(_keep(settings, listener, words, scheme)))
    except (CannotListen, StoreFailed) as failure:
        raise click.ClickException(str(failure)) from None


async def _keep(settings: Settings, listener: socket.socket, words: tuple[str, ...], scheme: str) -> int:
    """Keep the web processes until a signal asks to stop; return the exit code.

    They use this process's share in the embedded store where no other is set.
    """
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            store = await stack.enter_async_context(
                EmbeddedStore(settings.data_dir, "productflo serve", fsync=settings.fsync)
            )
            settings = settings.model_copy(update={"redis_url": store.url})
        unfit = await stack.enter_async_context(watched_store(settings))
        pool = Pool(web_program(settings, listener, *words, piped=False), settings.workers, _log)
        stopping = obey_signals((pool,))
        async with supervised((pool,)):
            await any_set(pool.serving, pool.given_up, stopping, unfit)
            if pool.serving.is_set():
                host, port = listener.getsockname()[:2]
                address = f"[{host}]" if ":" in host else host
                log.info("Running on %s://%s:%d (CTRL + C to quit)", scheme, address, port)
                await any_set(pool.given_up, stopping, unfit)
            asked = asyncio.get_running_loop().time()
            asyncio.get_running_loop().call_later(settings.stop_delay, refuse, listener)
            if not stopping.is_set() and not unfit.is_set():
                log.error("the web server does not start; it said why above")
    log.info("Stopped after %.1f s", asyncio.get_running_loop().time() - asked)
    return 0 if stopping.is_set() else 1


def _log(name: str, line: str) -> None:
    log.info("%s %s", name, line, stacklevel=2)  # The log's bound on floods goes by the place that speaks.
