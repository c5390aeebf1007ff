"""What is not public in Quart and Hypercorn is pinned, and tried before it is relied on."""

import logging
import re
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypercorn.protocol.ws_stream import Handshake

from productflo.server import hypercorn_parts, self_check, take_over, upgrade, wire
from productflo.server.connection import CLOSE_TIMEOUT
from productflo.server.self_check import takes_over

PROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"


@pytest.mark.parametrize("name", ["hypercorn", "quart"])
def test_the_versions_are_those_that_were_tried(name: str) -> None:
    """In what is installed, and in what may be: with another one, try it, and change `TRIED` and the pin."""
    tried = hypercorn_parts.TRIED[name]
    assert version(name).startswith(f"{tried}.")
    wanted = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert [one for one in wanted if re.match(rf"{name}\b", one)] == [f"{name}=={tried}.*"]


async def test_sockets_can_be_taken_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """From the versions that are installed, on this Python, and nothing is said about it.

    Their tasks end at once, and do not wait for the client to leave.
    """
    monkeypatch.setattr(self_check, "CHECK_TIMEOUT", CLOSE_TIMEOUT / 2)
    with caplog.at_level(logging.DEBUG, logger="productflo"):
        assert await takes_over()
    assert caplog.messages == []


async def _nothing(*_: Any) -> None:
    pass


def _keeps_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handshake, "extensions", ["permessage-deflate"], raising=False)
    monkeypatch.setattr(Handshake, "__setattr__", _except("extensions"), raising=False)


def _except(kept: str) -> Callable[[object, str, object], None]:
    def assign(self: object, name: str, value: object) -> None:
        if name != kept:
            object.__setattr__(self, name, value)

    return assign


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda patch: patch.setattr(upgrade, "parts_under", lambda _: None), "compression was agreed on"),
        (lambda patch: patch.setattr(take_over.NoWriter, "close", lambda _: None), "TimeoutError"),
        (lambda patch: patch.setattr(wire.Wire, "_left", lambda *_: None), "TimeoutError"),
        (
            lambda patch: patch.setattr(wire.Wire, "send", lambda self, _: self._transport.write(b"no" * 9)),
            "otherwise",
        ),
        (
            lambda patch: patch.setattr(take_over, "_detach", lambda *_: 1 / 0),
            "answered otherwise|Incomplete|bytes",
        ),
        (_keeps_compression, "compression"),
    ],
    ids=["other objects", "tasks stay", "no close", "another answer", "an exception", "compression"],
)
async def test_what_is_built_otherwise_is_noticed(
    fault: Callable[[pytest.MonkeyPatch], None],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever it is, with one line that says it."""
    monkeypatch.setattr(self_check, "CHECK_TIMEOUT", 0.5)
    fault(monkeypatch)
    assert not await takes_over()
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("productflo")]
    assert len(lines) == 1
    assert re.search(told, lines[0])
    assert "PRODUCTFLO_WIRE=quart" in lines[0]


@pytest.mark.parametrize(("intact", "upgraded"), [(False, True), (True, False)])
async def test_a_client_that_is_gone_is_not_taken_over(intact: bool, upgraded: bool) -> None:
    """Be it before the upgrade or in the midst of it: its socket is closed, and nobody attends."""
    done: list[str] = []
    transport = SimpleNamespace(pause_reading=lambda: None, close=lambda: done.append("closed"))
    stream = SimpleNamespace(handshake=SimpleNamespace(extensions=["permessage-deflate"]))
    parts: Any = SimpleNamespace(transport=transport, stream=stream, intact=intact, upgraded=upgraded)
    websocket: Any = SimpleNamespace(accept=_nothing)
    with pytest.raises(take_over.ClientGone):
        await take_over.take_over(websocket, parts, "", 1000)
    assert done == ["closed"]
