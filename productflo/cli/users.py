"""Local accounts: `productflo user add`, `password`, `list` and `remove`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from productflo.cli.access import need_secret, store_from_outside
from productflo.cli.configuration import load_settings
from productflo.errors import ProductFloError
from productflo.settings import Settings
from productflo.store.embedded import StoreFailed

if TYPE_CHECKING:
    from productflo.service.accounts import Accounts

T = TypeVar("T")


@click.group()
def user() -> None:
    """Keep the accounts of people who sign in with a password."""


@user.command()
@click.argument("email")
@click.option("--id", "user_id", help="The user's id.  [default: made from EMAIL; refused if it is taken]")
@click.option("--name", default="", help="The name that others see.  [default: the id]")
@click.option("--team", "teams", multiple=True, help="A team the user belongs to; can be given again.")
def add(email: str, user_id: str | None, name: str, teams: tuple[str, ...]) -> None:
    """Add an account for EMAIL; asks for the password, or reads it from standard input."""
    settings = load_settings()
    need_secret(settings)
    password = _password()
    account = _on_accounts(settings, lambda accounts: accounts.add(email, password, user_id, name, teams))
    click.echo(f"{account.email} signs in as {account.user_id}")


@user.command()
@click.argument("email")
def password(email: str) -> None:
    """Change the password of EMAIL, and forget its failed attempts to sign in."""
    chosen = _password()
    _on_accounts(load_settings(), lambda accounts: accounts.set_password(email, chosen))


@user.command("list")
def show() -> None:
    """List the accounts: email, id, name and teams, with tabs between."""
    for one in _on_accounts(load_settings(), lambda accounts: accounts.all()):
        click.echo("\t".join((one.email, one.user_id, one.name, ",".join(one.teams))))


@user.command()
@click.argument("email")
def remove(email: str) -> None:
    """Remove the account of EMAIL. Tokens that it has hold until they end."""
    _on_accounts(load_settings(), lambda accounts: accounts.remove(email))


def _password() -> str:
    """Ask twice, without showing it; where nobody is there to ask, take the first line of standard input."""
    if sys.stdin.isatty():
        chosen: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return chosen
    return sys.stdin.readline().rstrip("\r\n")


def _on_accounts(settings: Settings, work: "Callable[[Accounts], Awaitable[T]]") -> T:
    """Do something to the accounts of a server, whether it runs or not."""

    async def run() -> T:
        async with _accounts(settings) as accounts:
            return await work(accounts)

    try:
        return asyncio.run(run())
    except (ProductFloError, StoreFailed) as error:
        raise click.ClickException(str(error)) from None


@asynccontextmanager
async def _accounts(settings: Settings) -> "AsyncIterator[Accounts]":
    from productflo.service.accounts import Accounts
    from productflo.store.accounts import AccountStore
    from productflo.store.connect import open_redis
    from productflo.store.invites import InviteStore

    reserved = frozenset((*settings.assistants, *settings.room_assistants))
    async with store_from_outside(settings, "productflo user") as url, open_redis(url) as redis:
        yield Accounts(AccountStore(redis), InviteStore(redis).claim_user, reserved.__contains__)
