"""The eye on the store: `productflo check-store`, and what `serve` and `up` do beside their processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from productflo.cli.access import store_from_outside
from productflo.cli.configuration import load_settings
from productflo.settings import Settings
from productflo.store.embedded import StoreFailed

if TYPE_CHECKING:
    from productflo.store.inspection import Wish


@click.command("check-store")
def check_store() -> None:
    """Say what the store's settings mean for what is promised; exit code 1 where a promise is void."""
    settings = load_settings()
    try:
        if not asyncio.run(_check(settings)):
            raise SystemExit(1)
    except StoreFailed as error:
        raise click.ClickException(str(error)) from None


async def _check(settings: Settings) -> bool:
    """Whether the server would start on this store."""
    from redis.exceptions import RedisError

    from productflo.store.connect import open_redis
    from productflo.store.inspection import Weight, inspect

    async with store_from_outside(settings, "productflo check-store") as url, open_redis(url) as redis:
        try:
            findings = await inspect(redis, _wish(settings))
        except RedisError as error:
            raise click.ClickException(f"The store does not answer: {error}") from None
    for one in findings:
        click.echo(f"{one.weight.name.lower():<5} {one.text}")
    return all(one.weight is not Weight.VOID for one in findings)


def _wish(settings: Settings) -> "Wish":
    from productflo.store.inspection import Wish

    return Wish(settings.fsync, settings.replicas, settings.allow_eviction)


@asynccontextmanager
async def watched_store(settings: Settings) -> AsyncIterator[asyncio.Event]:
    """Look after the store within; where it is unfit, set the event, and raise `StoreUnfit` at the end."""
    from productflo.store.connect import open_redis
    from productflo.store.watch import StoreWatch

    unfit = asyncio.Event()
    async with open_redis(settings.redis_url or "") as redis:
        watch = StoreWatch(redis, _wish(settings))
        watching = asyncio.create_task(watch.run())
        watching.add_done_callback(lambda _: unfit.set())
        try:
            yield unfit
        finally:
            watching.cancel()
            await asyncio.wait({watching})
    if not watching.cancelled():
        watching.result()
