"""The loop of web processes and workers, with uvloop and without it."""

import sys

import pytest
import uvloop

from productflo.event_loop import LoopMissing, loop_factory


def test_uvloop_is_taken_where_it_is_installed() -> None:
    """Unless asyncio's own is wanted."""
    assert loop_factory(None) is uvloop.Loop
    assert loop_factory("uvloop") is uvloop.Loop
    assert loop_factory("asyncio") is None


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio's own loop; who wanted uvloop is told what to do."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory(None) is None
    with pytest.raises(LoopMissing, match="pip install uvloop"):
        loop_factory("uvloop")
