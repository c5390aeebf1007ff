"""The whole product as a user starts it, a model that the tests speak for, and people with browsers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from chatting import Server
from model_server import ModelServer
from playwright.async_api import Browser, expect
from processes import PRODUCTFLO, environment, running
from reader import Meet, Reader, open_browser, reader

EXPECTED_MS = 15_000
"""For what a page shall show: three times what a machine with other work has needed; a hang is seen sooner
than by what waits for processes."""

expect.set_options(timeout=EXPECTED_MS)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
async def model() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
async def product(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> AsyncIterator[Server]:
    """`productflo up`, with Haitch on the tests' model in every room."""
    env = environment(
        tmp_path_factory.mktemp("product"),
        OPENAI_BASE_URL=model.url,
        OPENAI_API_KEY="test",
        PRODUCTFLO_HAITCH_MODEL="scripted",
    )
    async with running(*PRODUCTFLO, "up", env=env) as process:
        found = await process.says(r"ready at http://127\.0\.0\.1:(\d+)")
        yield Server(int(found[1]))
        process.process.terminate()
        await process.ends()


@pytest.fixture
async def meet(browser: Browser, product: Server, room: str) -> AsyncIterator[Meet]:
    """Makes people whom no other test knows; at the end none of their consoles may have complained."""
    surname = room[-4:].capitalize()
    people: list[Reader] = []
    async with AsyncExitStack() as stack:

        async def meet(name: str, address: str = product.http, **context: object) -> Reader:
            people.append(
                await stack.enter_async_context(reader(browser, address, f"{name} {surname}", **context))
            )
            return people[-1]

        yield meet
        complaints = {person.name: person.complaints for person in people if person.complaints}
    assert complaints == {}


@pytest.fixture
def room() -> str:
    """A room that no other test has."""
    return f"room-{uuid4().hex[:12]}"
