"""The checker sees through a server that lies: real web processes, changed from outside."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from storm import mutants
from storm.deployment import Web
from storm.findings import Kind, Result
from storm.habits import Habits
from storm.load import Load

from productflo.store.connect import open_redis

FOLDER = Path(mutants.__path__[0])
HONEST = "honest"
LIES = {
    "dedupe_off": Kind.DOUBLED,
    "retries_refused": Kind.UNTRUE,
    "acknowledged_and_lost": Kind.LOST,
    "resume_off": Kind.HOLE,
    "gap_filling_off": Kind.HOLE,
    "told_in_another_order": Kind.OUT_OF_ORDER,
}
RESTLESS = Habits(pause=0.02, tick=0.04, answer=0.5, back_off=0.05, insists=0.2, repeats=0.2, leaves=0.5)
"""People who press the button twice, say old things again, and lose their connection every other second."""
PEOPLE = 4
OPERATIONS = 100
PATIENCE_SECONDS = 60.0
IMPATIENCE_SECONDS = 5.0
"""With a liar, whose people may never be answered: for the next answer, and for the end."""


async def provoke(name: str, store_url: str, folder: Path) -> Result:
    """A web process of this kind, people who say things twice and come and go, and a bus that is cut."""
    web = Web(
        name, store_url, folder, {"STORM_MUTANT": "" if name == HONEST else name, "PYTHONPATH": str(FOLDER)}
    )
    patience = PATIENCE_SECONDS if name == HONEST else IMPATIENCE_SECONDS
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(store_url))
        await stack.enter_async_context(web.running())
        load = Load(lambda: web.url, seed=1, patience=PATIENCE_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            for number in range(PEOPLE):
                load.enter(f"{name}{number}", [name], RESTLESS, tasks)
            try:
                await load.goes_on(1)  # While all the others start.
                for turn in range(6):
                    if not await goes_on(load, patience):
                        break  # A liar's room may stand still from here on.
                    load.people[turn % PEOPLE].drop()
                    await redis.client_kill_filter(_type="pubsub")
                await load.settle_with(redis, patience)
            finally:
                load.stop()
        (result,) = await load.results(redis)
        return result


async def goes_on(load: Load, seconds: float) -> bool:
    """Whether people are answered, each time before so many seconds have passed."""
    for _ in range(OPERATIONS // 5):
        try:
            async with asyncio.timeout(seconds):
                await load.goes_on(1)
        except TimeoutError:
            return False
    return True


@pytest.fixture(scope="module")
async def results(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    """What the checker says of each, all having run side by side."""
    folder = tmp_path_factory.mktemp("mutants")
    names = [HONEST, *LIES]
    found = await asyncio.gather(*(provoke(name, store_url, folder) for name in names))
    return dict(zip(names, found, strict=True))


def test_an_honest_server_passes(results: Mapping[str, Result]) -> None:
    """The same people, the same faults, and nothing taken out."""
    honest = results[HONEST]
    assert honest.failures() == []
    assert honest.acknowledged >= OPERATIONS
    assert honest.sent_again
    assert honest.resumed


@pytest.mark.parametrize(("name", "kind"), LIES.items())
def test_a_liar_is_found(results: Mapping[str, Result], name: str, kind: Kind) -> None:
    """In the column of its lie."""
    assert kind in {finding.kind for finding in results[name].failures()}, results[name]
