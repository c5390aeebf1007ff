"""Fixtures for every layer: one real store for the session, empty for each test."""

import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings
from processes import foreign
from redis.asyncio import Redis

from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore

PROCESSES_PER_CORE = 1.5
"""Most tests wait most of the time: for leases, for processes that start, for what was killed. Not more,
because some hold what they look at to its time."""


def pytest_xdist_auto_num_workers() -> int:
    """How many processes the tests run in; one where they share a store that is emptied before each test."""
    if "PRODUCTFLO_TEST_REDIS_URL" in os.environ:
        return 1
    return round(PROCESSES_PER_CORE * (os.cpu_count() or 1))


@pytest.fixture(scope="session", autouse=True)
def nothing_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the checkout's own assistants.toml and .env nor the caller's settings reach what is tested.

    Tests and the processes that they start run in an empty folder. Of the settings see `processes.foreign`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        for name in foreign(os.environ):
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
async def store_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of an embedded store that lives as long as the session, or of the one that is named."""
    if named := os.environ.get("PRODUCTFLO_TEST_REDIS_URL"):
        yield named
        return
    async with EmbeddedStore(tmp_path_factory.mktemp("data"), "the tests") as store:
        yield store.url


@pytest.fixture
async def redis(store_url: str) -> AsyncIterator[Redis]:
    """A client of the session's store, which is empty at the start of the test."""
    async with open_redis(store_url) as client:
        await client.flushall()
        yield client


signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Else what is started under `nohup` does not hear of it.
settings.register_profile("storm")  # Long runs of tests/faults/test_state_machine.py, which asks for it.
