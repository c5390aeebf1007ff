"""Timers that keep nothing alive but what they call."""

import asyncio
from collections.abc import Callable
from contextvars import Context

NO_CONTEXT = Context()
"""An empty one: what is begun in a request's context keeps the whole request alive."""


def later(seconds: float, action: Callable[[], object]) -> asyncio.TimerHandle:
    """Have the running loop call `action` in so many seconds, in no request's context."""
    return asyncio.get_running_loop().call_later(seconds, action, context=NO_CONTEXT)
