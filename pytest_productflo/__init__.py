"""The pytest plugin: the fixture `chat`, see `assistants.testing`.

A package of its own, since pytest imports it in every run: nothing of ours is loaded before a test asks for
it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assistants.testing import Chat

_CHAT = pytest.StashKey["Chat"]()


@pytest.fixture
def chat(request: pytest.FixtureRequest) -> Chat:
    """Rooms for the tests of an assistant: `room = chat(my_assistant, people=["ana", "bob"])`."""
    from assistants.testing import Chat

    made = request.node.stash[_CHAT] = Chat()
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed and has not used its script up; as a failure of the test, not of its end."""
    result = yield
    if made := item.stash.get(_CHAT, None):
        made.finish()
    return result
