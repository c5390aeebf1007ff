"""The real openai client on a local model server, as fixtures: a test module takes them by name."""

from collections.abc import AsyncIterator

import pytest
from model_server import ModelServer

from assistants.llm import ChatModel


@pytest.fixture
def gap() -> float:
    """Seconds that the client waits for the next piece; a module whose server is silent has its own."""
    return 2.0


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A model server of the test's own."""
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def model(server: ModelServer, gap: float) -> AsyncIterator[ChatModel]:
    """The client that asks it, again at once where it may."""
    model = ChatModel(api_key="", base_url=server.url, gap=gap, first_wait=0.01)
    yield model
    await model.aclose()
