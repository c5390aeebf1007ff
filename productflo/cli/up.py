"""`productflo up`: everything at once, on this machine."""

import asyncio
import json
import logging
import signal
import socket
import ssl
import sys
import time
import tomllib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import click

from productflo.cli.access import Link, invitation_links
from productflo.cli.configuration import load_settings, shared_settings
from productflo.cli.serve import CONFIG_FILE
from productflo.network import CannotListen, is_loopback, listen, own_addresses
from productflo.settings import Settings
from productflo.store.embedded import EmbeddedStore, StoreFailed, holder_of
from productflo.supervisor import Child, Program, say, supervised

STRIKE_SECONDS = 0.5  # A server that was killed a moment ago is still listed; its keeper notices in less.
LOOK_SECONDS = 0.05  # Between two looks at whether the web process answers.
ANSWER_SECONDS = 5.0  # One look at most.


@click.command()
@click.option(
    "--share", is_flag=True, help="Open it to the network, with an invitation link for a colleague."
)
def up(share: bool) -> None:
    """Start the store, the web process and an assistants worker; Ctrl-C stops them."""
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
            store = await stack.enter_async_context(EmbeddedStore(settings.data_dir, "productflo up"))
            settings = settings.model_copy(update={"redis_url": store.url})
        settings = _where_bound(settings, listener)
        web, worker = _children(settings, listener)
        stopping = _stop_on_signals((web, worker))
        async with supervised((web, worker)):
            ready = asyncio.create_task(_web_answers(settings))
            ended = asyncio.create_task(web.ended_once.wait())
            stopped = asyncio.create_task(stopping.wait())
            await asyncio.wait((ready, ended, stopped), return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                await _announce(settings, share)
                await stopped
            for task in (ready, ended, stopped):
                task.cancel()
            say(
                "up", "stopping" if stopping.is_set() else "the web process does not start; it said why above"
            )
    return 0 if stopping.is_set() else 1


def _where_bound(settings: Settings, listener: socket.socket) -> Settings:
    """Return `settings` with the port that was bound and, on the network, this machine's names in it."""
    port = listener.getsockname()[1]
    names = () if is_loopback(settings.host) else own_addresses()
    allowed = (*settings.allowed_hosts, *(f"{name}:{port}" for name in names))
    return settings.model_copy(update={"port": port, "allowed_hosts": allowed})


def _children(settings: Settings, listener: socket.socket) -> tuple[Child, Child]:
    """Return the two programs, told what was decided here.

    The web process inherits the socket: while it starts again callers wait instead of being turned away.
    """
    command = (sys.executable, "-m", "productflo.cli")
    decided = {
        "PRODUCTFLO_HOST": settings.host,
        "PRODUCTFLO_PORT": str(settings.port),
        "PRODUCTFLO_ALLOWED_HOSTS": ",".join(settings.allowed_hosts),
        "REDIS_URL": settings.redis_url or "",
        "PYTHONUNBUFFERED": "1",
    }
    if settings.secret is not None:
        decided["PRODUCTFLO_SECRET"] = settings.secret.get_secret_value()
    fd = listener.fileno()
    web = Program("web", (*command, "serve", "--fd", str(fd)), decided, (fd,))
    return Child(web, say), Child(Program("assistants", (*command, "assistants", "run"), decided), say)


def _stop_on_signals(children: Sequence[Child]) -> asyncio.Event:
    """Return what a signal sets; a second signal kills what is still stopping."""
    stopping = asyncio.Event()

    def ask() -> None:
        if stopping.is_set():
            for child in children:
                child.kill()
        stopping.set()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signum, ask)
    return stopping


async def _web_answers(settings: Settings) -> None:
    """Return once the web process says that it is ready; say, once, what it waits for."""
    told = False
    while True:
        status, reason = await _ready(settings)
        if status == 200:
            return
        if status and not told:
            say("up", f"the web process is not ready yet: {reason}")
            told = True
        await asyncio.sleep(LOOK_SECONDS)


async def _ready(settings: Settings) -> tuple[int, str]:
    """Ask `/readyz`: the HTTP status (0: no answer) and, where it is not 200, what was said."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(
                _own_address(settings.host), settings.port, ssl=_tls()
            )
            try:
                host = f"localhost:{settings.port}"
                writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0, ""
    head, _, body = answer.partition("\r\n\r\n")
    words = head.split(maxsplit=2)
    return (int(words[1]), _error_message(body)) if len(words) > 1 and words[1].isdigit() else (0, "")


def _error_message(body: str) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.strip()[:200]


def _own_address(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def _tls() -> ssl.SSLContext | None:
    """How to speak to our own web process: as its Hypercorn file says, without asking who it is."""
    if not _has_certificate(CONFIG_FILE):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _has_certificate(config: Path) -> bool:
    return config.exists() and "certfile" in tomllib.loads(config.read_text())


async def _announce(settings: Settings, share: bool) -> None:
    scheme = "https" if _has_certificate(CONFIG_FILE) else "http"
    address = _own_address(settings.host)
    home = f"{scheme}://{f'[{address}]' if ':' in address else address}:{settings.port}"
    links: Sequence[Link] = await invitation_links(settings, scheme, home) if share else ()
    print(
        f"\nProductFlo chat is ready at {home}/", *map(str, links), "Ctrl-C stops it.", sep="\n", end="\n\n"
    )
    sys.stdout.flush()
