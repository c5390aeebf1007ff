"""Letting people in: `productflo token`, `productflo invite`, and the links that `up --share` prints."""

import asyncio
import getpass
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click
from pydantic import SecretStr

from productflo.cli.configuration import load_settings, stored_secret
from productflo.errors import ProductFloError
from productflo.network import is_loopback, own_addresses
from productflo.settings import Settings
from productflo.store.embedded import EmbeddedStore, StoreFailed


@asynccontextmanager
async def store_from_outside(settings: Settings, who: str) -> AsyncIterator[str]:
    """Return the store's address: the setting's, or that of a share of the embedded store, taken as `who`."""
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    async with EmbeddedStore(settings.data_dir, who, fsync=settings.fsync) as store:
        yield store.url


@dataclass(frozen=True, slots=True)
class Link:
    """An invitation and whom it is for."""

    purpose: str
    url: str

    def __str__(self) -> str:
        return f"{self.purpose}: {self.url}"


def need_secret(settings: Settings) -> SecretStr:
    """Return the secret that signs tokens. Raises `click.ClickException` on an open server."""
    secret = settings.secret or stored_secret(settings.data_dir)
    if secret is None:
        raise click.ClickException(
            "This server has no secret, so nobody needs to be let in. "
            "Start it with `./run --share`, which makes one, or set PRODUCTFLO_SECRET (32 characters)."
        )
    return secret


@click.command()
@click.argument("user")
@click.option("--name", default="", help="The name that others see.")
@click.option("--team", "teams", multiple=True, help="A team the user belongs to; can be given again.")
@click.option("--hours", type=float, help="How long the token holds.  [default: 30 days]")
def token(user: str, name: str, teams: tuple[str, ...], hours: float | None) -> None:
    """Print a token for USER, for a client's `Authorization: Bearer` or `?token=`."""
    from productflo.service import tokens

    secret = need_secret(load_settings()).get_secret_value()
    hold = tokens.DEFAULT_HOURS if hours is None else hours
    try:
        click.echo(tokens.mint(secret, user, name, teams, hold, time.time()))
    except ProductFloError as error:
        raise click.ClickException(error.message) from None


@click.command()
@click.argument("name")
@click.option("--user-id", help="Let NAME in as this known user: for a new browser, or a lost cookie.")
def invite(name: str, user_id: str | None) -> None:
    """Print a link that lets NAME in, once, within 24 hours."""
    settings = load_settings()
    need_secret(settings)
    try:
        code = asyncio.run(_invite_from_outside(settings, name, user_id))
    except (ProductFloError, StoreFailed) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"http://{_reachable_host(settings)}:{settings.port}/invite/{code}")


async def _invite_from_outside(settings: Settings, name: str, user_id: str | None) -> str:
    async with store_from_outside(settings, "productflo invite") as url:
        return await _invite(settings.model_copy(update={"redis_url": url}), name, user_id)


async def _invite(settings: Settings, name: str, user_id: str | None) -> str:
    from productflo.service.invites import Invites
    from productflo.store.connect import open_redis
    from productflo.store.invites import InviteStore

    async with open_redis(settings.redis_url or "") as redis:
        invites = Invites(InviteStore(redis), reserved=lambda user: user in settings.assistants)
        return (await invites.create(name, user_id)).code


def _reachable_host(settings: Settings) -> str:
    """Return the host under which a colleague most likely reaches this server."""
    if is_loopback(settings.host) and stored_secret(settings.data_dir) is None:
        return settings.host
    return next(iter(own_addresses()), "127.0.0.1")


async def invitation_links(settings: Settings, scheme: str, home: str) -> list[Link]:
    """Return a link for whoever started the server, on this machine, and one for a colleague elsewhere."""
    me = re.sub(r"[^A-Za-z0-9_.:@-]", "", getpass.getuser()) or "operator"
    mine = await _invite(settings, me, me)
    theirs = await _invite(settings, "Colleague", None)
    outside = next(iter(own_addresses()), "127.0.0.1")
    return [
        Link("For you, on this machine", f"{home}/invite/{mine}"),
        Link(
            "For a colleague (once, within 24 hours)",
            f"{scheme}://{outside}:{settings.port}/invite/{theirs}",
        ),
    ]
