"""Passwords: kept as hashes that tell nothing, and compared in the same time whatever is wrong."""

import asyncio

import pytest

from productflo.errors import ValidationFailed
from productflo.service import passwords
from productflo.service.passwords import MAX_PASSWORD, MIN_PASSWORD, NOBODYS, hash_password, is_password

PASSWORD = "a housing of cast zinc"


async def test_a_password_is_known_by_its_hash() -> None:
    """The right one matches, another does not, and the hash shows neither the password nor its length."""
    kept = await hash_password(PASSWORD)
    assert await is_password(PASSWORD, kept)
    assert not await is_password(PASSWORD + ".", kept)
    assert PASSWORD not in kept
    assert len(await hash_password("x" * MAX_PASSWORD)) == len(kept)


async def test_two_hashes_of_one_password_differ() -> None:
    """Each has a salt of its own: equal passwords do not show."""
    assert await hash_password(PASSWORD) != await hash_password(PASSWORD)


async def test_an_accent_is_the_same_however_it_is_typed() -> None:
    """One keyboard sends é as one character, another as two."""
    assert await is_password("caf\u00e9 au lait, deux", await hash_password("cafe\u0301 au lait, deux"))


@pytest.mark.parametrize("length", [0, MIN_PASSWORD - 1, MAX_PASSWORD + 1])
async def test_a_password_has_bounds(length: int) -> None:
    """Too short to be safe, too long to be typed."""
    with pytest.raises(ValidationFailed) as refused:
        await hash_password("x" * length)
    assert refused.value.field == "password"


async def test_nobody_s_hash_costs_the_same_and_fits_nothing() -> None:
    """What stands in for an email without an account has the parameters of a real hash, and no password."""
    kept = await hash_password(PASSWORD)
    assert NOBODYS.split("$")[:4] == kept.split("$")[:4]
    assert len(NOBODYS) == len(kept)
    assert not await is_password("", NOBODYS)


async def test_old_hashes_outlive_new_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters stand in the hash: raising them locks nobody out."""
    with monkeypatch.context() as cheaper:
        cheaper.setattr(passwords, "COST", 2**10)
        old = await hash_password(PASSWORD)
    assert old.startswith("scrypt$1024$")
    assert await is_password(PASSWORD, old)


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    """The work is done beside it: turns of the loop pass before the hash is there."""
    hashing = asyncio.create_task(hash_password(PASSWORD))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
