"""The worker as a process: built from settings, ended by signals, told by SIGHUP to read its files again."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from assistants import metrics, tracing
from assistants.documents import AT_ONCE as EXTRACTIONS
from assistants.fetch import Fetcher
from assistants.llm import ChatModel, model_of
from assistants.performance import Performances
from assistants.registry import Registry, Selection
from assistants.services import Services
from assistants.stage import Stages
from assistants.stops import Stops
from assistants.worker import Worker
from productflo.blobs.local import LocalBlobs
from productflo.domain.prices import NO_PRICES
from productflo.event_loop import loop_factory
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
from productflo.store.embedded import EmbeddedStore
from productflo.store.retention import Retention
from productflo.store.store import Store

STOP_SECONDS = 8.0
"""From the request to stop to the end of the process, whatever an assistant does: the supervisor waits 10."""

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT.

    Raises `StoreFailed`, `Misconfigured`, `NothingToRun`, `LoopMissing`, `tracing.NotInstalled` or
    `metrics.PortTaken`.
    """
    set_up_logging(settings.log_level, settings.log_format)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # It tells every request, with the address.
    selection = Selection.of(settings)
    found = selection.load()
    if not found.ready:
        raise NothingToRun("No assistant can run; `productflo assistants check` says why.")
    factory = loop_factory(settings.loop)
    tracing.set_up()
    with (
        metrics.served(settings.worker_metrics_host, settings.worker_metrics_port),
        asyncio.Runner(loop_factory=factory) as runner,
    ):
        runner.run(_run(settings, selection, found))


class NothingToRun(Exception):
    """None of the assistants that the operator named can be loaded."""


async def _run(settings: Settings, selection: Selection, found: Registry) -> None:
    """Work on a share in the embedded store where no other is set."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            store = await stack.enter_async_context(
                EmbeddedStore(settings.data_dir, "productflo assistants run", fsync=settings.fsync)
            )
            settings = settings.model_copy(update={"redis_url": store.url})
        services = await stack.enter_async_context(open_services(settings, model_of(settings)))
        worker = Worker(services, found, selection=selection)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            worker.stop()
            loop.call_later(STOP_SECONDS, _give_up)

        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop)
        loop.add_signal_handler(signal.SIGHUP, worker.reload)
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
