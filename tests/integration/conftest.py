"""A real web process on the session's store."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from chatting import Server, web_process

SERVICE_KEY = "a-service-key-for-tests"


@pytest.fixture(scope="session")
async def server(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """An open server without assistants in its rooms, shared by the session's tests."""
    data = tmp_path_factory.mktemp("web")
    env = {
        "REDIS_URL": store_url,
        "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
        "PRODUCTFLO_SERVICE_KEY": SERVICE_KEY,
    }
    async with web_process(data, **env) as server:
        yield server


@pytest.fixture
def room() -> str:
    """A room that no other test has."""
    return f"room_{uuid4().hex[:12]}"
