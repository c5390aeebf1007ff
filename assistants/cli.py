"""`productflo assistants`: the worker process, and a look at what it would run."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import click
from pydantic import ValidationError

from assistants import metrics, registry, tracing
from assistants.documents import AT_ONCE as EXTRACTIONS
from assistants.fetch import Fetcher
from assistants.llm import ChatModel
from assistants.performance import Performances
from assistants.services import Services
from assistants.stage import Stages
from assistants.stops import Stops
from assistants.worker import Worker
from productflo.blobs.local import LocalBlobs
from productflo.domain.prices import NO_PRICES
from productflo.logs import set_up_logging
from productflo.service.approvals import Approvals
from productflo.service.attendance import Attendance
from productflo.service.chat import Chat
from productflo.service.clock import system_clock
from productflo.service.files import Files
from productflo.service.mentions import Mentions
from productflo.service.receipts import Receipts
from productflo.service.wakeups import Wakeups
from productflo.settings import Settings
from productflo.store.bus import Bus
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore, StoreFailed
from productflo.store.retention import Retention
from productflo.store.store import Store

STOP_SECONDS = 8.0
"""From the request to stop to the end of the process, whatever an assistant does: the supervisor waits 10."""

log = logging.getLogger(__name__)


@click.group()
def assistants() -> None:
    """The assistants that answer in rooms."""


@assistants.command()
def run() -> None:
    """Run a worker: the process in which the assistants live. Any number may run, on any machines."""
    settings = _settings()
    set_up_logging(settings.log_level, settings.log_format)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # It tells every request, with the address.
    found = registry.load(settings.assistants)
    if not found.ready:
        raise click.ClickException("No assistant can run; `productflo assistants check` says why.")
    try:
        tracing.set_up()
        with metrics.served(settings.worker_metrics_host, settings.worker_metrics_port):
            asyncio.run(_run(settings, found))
    except (tracing.NotInstalled, metrics.PortTaken) as failure:
        raise click.ClickException(str(failure)) from None
    except StoreFailed as failure:
        raise click.ClickException(str(failure)) from None


@assistants.command("list")
def list_() -> None:
    """List the assistants that installed packages offer; those marked with * run here."""
    named = _settings().assistants
    for entry in registry.installed():
        package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "no package"
        click.echo(f"{'*' if entry.name in named else ' '} {entry.name:<20} {package}")


@assistants.command()
def check() -> None:
    """Load the assistants as a worker would, and say what is wrong. Exit code 1 where anything is."""
    settings = _settings()
    logging.disable(logging.ERROR)  # What is logged is printed here.
    found = registry.load(settings.assistants)
    for name, ready in found.ready.items():
        click.echo(f"ok      {name}: {ready.assistant.description or ready.assistant.name}")
    for name, reason in found.broken.items():
        click.echo(f"broken  {name}: {reason}")
    model = _model(settings)
    click.echo(
        f"model   {model.where}"
        if model.configured
        else "model   none: set OPENAI_API_KEY or OPENAI_BASE_URL"
    )
    if found.broken:
        raise SystemExit(1)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        ]
        raise click.ClickException("\n".join(wrong)) from None


def _model(settings: Settings) -> ChatModel:
    key = settings.openai_api_key
    return ChatModel(api_key=key.get_secret_value() if key else None, base_url=settings.openai_base_url)


async def _run(settings: Settings, found: registry.Registry) -> None:
    """Work until SIGTERM or SIGINT, on a share in the embedded store where no other is set."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            store = await stack.enter_async_context(
                EmbeddedStore(settings.data_dir, "productflo assistants run", fsync=settings.fsync)
            )
            settings = settings.model_copy(update={"redis_url": store.url})
        services = await stack.enter_async_context(open_services(settings, _model(settings)))
        worker = Worker(services, found)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            worker.stop()
            loop.call_later(STOP_SECONDS, _give_up)

        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop)
        await worker.run()


@asynccontextmanager
async def open_services(settings: Settings, model: ChatModel) -> AsyncIterator[Services]:
    """What a worker works with, on the store at `settings.redis_url`. Connects when it is used."""
    if settings.redis_url is None:
        raise ValueError("settings.redis_url must be set")
    if model.configured:
        model.warm_up()
    async with open_redis(settings.redis_url) as redis:
        kept = Retention(settings.retention_messages, settings.retention_days, settings.retention_bytes)
        store = Store.on(redis, Bus(redis, shards=(0,)), retention=kept, replicas=settings.replicas)
        files = Files(store.files, LocalBlobs(settings.data_dir / "files"), settings.max_file_bytes)
        mentions = Mentions(store.rooms, store.teams)
        chat = Chat(store.log, mentions, files, Wakeups(redis), system_clock)
        try:
            yield Services(
                log=store.log,
                rooms=store.rooms,
                presence=store.presence,
                chat=chat,
                attendance=Attendance(store.presence, store.bus, system_clock),
                receipts=Receipts(store.rooms, store.log, store.bus, system_clock),
                bus=store.bus,
                runs=store.runs,
                model=model,
                pages=Fetcher.allowing(settings.source_hosts),
                profiles=store.profiles,
                stops=Stops(store.bus),
                performances=Performances(
                    Stages(), store.rates, store.budgets, settings.model_prices or NO_PRICES
                ),
                clock=system_clock,
                files=files,
                kept=store.kept,
                approvals=Approvals(store.approvals, store.bus, system_clock),
                extracting=asyncio.Semaphore(EXTRACTIONS),
            )
        finally:
            await model.aclose()


def _give_up() -> None:
    log.error("The stop took longer than %.0f seconds and is cut short", STOP_SECONDS)
    os._exit(1)
