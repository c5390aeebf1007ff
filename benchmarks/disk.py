"""How long the disk takes to keep what was written: a message is on it before anybody is told of it."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.crowd import CACHE, Latency
from benchmarks.machine import OTHER_CORE

BYTES = 600
"""About what the store appends for a message of the benchmarks that comes alone."""
TIMES = 2000
"""Enough for a p99 that twenty flushes stand behind."""


def flushes(folder: Path = CACHE, times: int = TIMES) -> Latency:
    """Append and flush so many times, as the store does for a message, on the store's core and disk."""
    folder.mkdir(exist_ok=True)
    block, took = os.urandom(BYTES), list[float]()
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file, _on_core(OTHER_CORE):
        for _ in range(times):
            began = time.perf_counter()
            file.write(block)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return latency(took)


def latency(seconds: Sequence[float]) -> Latency:
    """How observations, at least one, are spread: in milliseconds."""
    ordered = [1000 * one for one in sorted(seconds)]
    last = len(ordered) - 1
    p50, p90, p99, p999 = (round(ordered[int(last * share)], 3) for share in (0.5, 0.9, 0.99, 0.999))
    return Latency(count=len(ordered), p50=p50, p90=p90, p99=p99, p999=p999, max=round(ordered[last], 3))


def told_of(flush: Latency) -> str:
    """One sentence."""
    return (
        f"Appending {BYTES} bytes to a file and flushing them to the disk took {flush.p50:.2f} ms at the "
        f"median, {flush.p99:.2f} ms at p99 ({flush.count:,} times, before the rounds)."
    )


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """Stay on one core within."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
