"""Two things at a time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def side_by_side(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """Both results. Raises what one of them raised, when both have ended; cancelling cancels both."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second
