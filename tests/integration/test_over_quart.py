"""What a connection must do, done over Quart's: the same tests as over ours, on a server without ours.

All tests pass so: `PRODUCTFLO_WIRE=quart ./run test`.
"""

from collections.abc import AsyncIterator

import pytest
from chatting import Server, web_process
from integration.conftest import SERVICE_KEY
from integration.test_large_messages import (
    test_pages_of_long_messages_do_not_close_a_healthy_connection as test_large_messages,
)
from integration.test_last_words import (
    test_messages_sent_just_before_leaving_are_in_the_log as test_last_words,
)
from integration.test_resume import (
    test_resuming_while_others_talk_on as test_resuming,
)
from integration.test_resume import (
    test_what_was_missed_follows_the_answer_and_then_it_is_live as test_missed,
)
from websockets.exceptions import ConnectionClosed

__all__ = ["test_large_messages", "test_last_words", "test_missed", "test_resuming"]


@pytest.fixture(scope="module")
async def server(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server as the others' tests have it."""
    env = {
        "REDIS_URL": store_url,
        "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
        "PRODUCTFLO_SERVICE_KEY": SERVICE_KEY,
        "PRODUCTFLO_WIRE": "quart",
    }
    async with web_process(tmp_path_factory.mktemp("quart"), **env) as server:
        yield server


async def test_a_message_that_is_too_large(server: Server) -> None:
    """Closes with the same code."""
    async with server.client("ada") as ada:
        await ada.send("x" * 262_145)
        with pytest.raises(ConnectionClosed) as closed:
            await ada.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_message_that_is_empty(server: Server) -> None:
    """Is answered, be it a text or not."""
    async with server.client("ada") as ada:
        for message in ("", b""):
            await ada.send(message)
            assert (await ada.error())["code"] == "VALIDATION_ERROR"
