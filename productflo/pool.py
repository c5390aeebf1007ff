"""Web processes side by side on one listening socket, replaced one after the other without a pause."""

import asyncio
import signal
import tempfile
from dataclasses import replace

from prometheus_client.multiprocess import mark_process_dead

from productflo.supervisor import Child, Program, Say

READY_SECONDS = 30.0
"""How long a new process may take until it serves; then a reload is given up."""
FAILED_STARTS = 5
"""Starts in a row that may fail while nobody else serves: with their pauses about 8 seconds."""


class Pool:
    """`size` runs of `program`. Implements `supervisor.Kept`.

    One that dies is started again, and the others do not notice. `given_up` is set where that is no use:
    nobody serves, and the first start of all failed, or a later one `FAILED_STARTS` times in a row.
    """

    def __init__(self, program: Program, size: int, say: Say) -> None:
        self.serving = asyncio.Event()
        """All have begun to serve."""
        self.given_up = asyncio.Event()
        self._program = program
        self._names = [program.name] if size == 1 else [f"{program.name} {one}" for one in range(1, size + 1)]
        self._say = say
        self._children: list[Child] = []
        self._candidate: Child | None = None
        self._candidate_changed = asyncio.Event()
        self._retiring: Child | None = None
        self._has_served = False
        self._metrics = ""
        self._reload = asyncio.Event()
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()

    async def keep(self) -> None:
        """See `Kept.keep`. What the processes count is kept in a folder for as long as this runs."""
        try:
            with tempfile.TemporaryDirectory(prefix="productflo-metrics-") as self._metrics:
                async with asyncio.TaskGroup() as tasks:
                    self._children = [self._child(name) for name in self._names]
                    for child in self._children:
                        tasks.create_task(child.keep())
                    reloading = tasks.create_task(self._reload_when_asked(tasks))
                    await self._stopping.wait()
                    reloading.cancel()
                    await asyncio.gather(*(child.stop() for child in self._everybody()))
        finally:
            self._done.set()

    async def stop(self) -> None:
        """See `Kept.stop`. All are asked at once."""
        self._stopping.set()
        await self._done.wait()

    def kill(self) -> None:
        """See `Kept.kill`."""
        for child in self._everybody():
            child.kill()

    def reload(self) -> None:
        """Replace every process: see `_replace`. Asked again while it happens, it happens once more."""
        self._reload.set()

    def _child(self, name: str) -> Child:
        environment = {**self._program.environment, "PROMETHEUS_MULTIPROC_DIR": self._metrics}
        program = replace(self._program, name=name, environment=environment)
        return Child(program, self._say, self._on_ready, self._on_end)

    def _everybody(self) -> list[Child]:
        extra = (self._candidate, self._retiring)
        return [*self._children, *(child for child in extra if child is not None)]

    def _on_ready(self, child: Child) -> None:
        self._has_served = True
        if all(one.ready for one in self._children):
            self.serving.set()
        if child is self._candidate:
            self._candidate_changed.set()

    def _on_end(self, child: Child, pid: int) -> None:
        mark_process_dead(pid, self._metrics)  # type: ignore[no-untyped-call]  # prometheus_client's
        if child is self._candidate:
            child.abandon()
            self._candidate_changed.set()
        elif self._is_hopeless(child):
            self._say(child.program.name, f"ended with {child.last_end} before it served, and is given up")
            child.abandon()
            self.given_up.set()

    def _is_hopeless(self, child: Child) -> bool:
        starts = FAILED_STARTS if self._has_served else 1
        return child.failed_starts >= starts and not any(one.ready for one in self._everybody())

    async def _reload_when_asked(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._say(self._program.name, "reloads: new processes take over from the old ones")
            if await self._replace_all(tasks):
                self._say(self._program.name, "has reloaded")

    async def _replace_all(self, tasks: asyncio.TaskGroup) -> bool:
        """Replace one process after the other; return whether all were.

        Each new one must serve before the old one is asked to leave, so the number of those who serve does
        not fall. Where a new one does not come to serve, the old ones stay, and the reload ends.
        """
        for at, old in enumerate(self._children):
            new = self._candidate = self._child(self._names[at])
            self._candidate_changed.clear()
            tasks.create_task(new.keep())
            if failure := await self._failure_of(new):
                self._say(new.program.name, f"the new process {failure}; the old one goes on")
                self._say(self._program.name, "has not reloaded")
                await new.stop()
                self._candidate = None
                return False
            self._children[at], self._candidate, self._retiring = new, None, old
            self._say(new.program.name, f"process {new.pid} takes over from process {old.pid}")
            # Not SIGTERM, on which it would first tell balancers that the whole server is about to stop.
            await old.stop(signal.SIGHUP)
            self._retiring = None
        return True

    async def _failure_of(self, new: Child) -> str | None:
        """Wait for the new process; return why it does not serve, or None where it does."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._candidate_changed.wait()
        except TimeoutError:
            return f"does not serve after {READY_SECONDS:.0f} s"
        return None if new.ready else f"ended with {new.last_end} before it served, and said why above"
