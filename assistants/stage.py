"""Where assistants' code runs: for each assistant a thread with an event loop of its own.

Code that blocks (`time.sleep`, `while True`, a client that is not async) holds up the answers of its own
assistant only: leases, stops and other assistants go on. It is found, its stack is logged, and the
assistant's next answers begin in a new thread. Nothing can end a thread from outside: a blocked one is left
behind, and goes on, or ends, when its code lets it.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from assistants import metrics
from assistants.crossing import Errand, carried
from assistants.errors import AssistantError

log = logging.getLogger(__name__)

LOOK = 0.25
"""Seconds between looks at the threads."""
STALL = 1.0
"""Seconds that code may hold its thread before it counts as blocking: none that awaits does for so long."""
MAX_BLOCKED = 4
"""Threads of one assistant that are left behind blocked; then it is given no more until one has ended."""
ENDING = 1.0
"""Seconds that a thread gets to end with the worker; a blocked one ends with the process."""


class Stage:
    """One thread with its loop. To be used from the loop in which it was made."""

    def __init__(self, assistant: str) -> None:
        self.assistant = assistant
        self.blocked = False
        self.running: set[Errand[Any]] = set()
        # The same kind of loop as the worker's.
        self._loop = type(asyncio.get_running_loop())()
        self._asked_at: float | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"assistant {assistant}", daemon=True)
        self._thread.start()

    def send(self, coroutine: Coroutine[Any, Any, Any], name: str) -> Errand[Any]:
        """Run a coroutine here; `name` tells of it where it blocks."""
        errand = Errand(coroutine, self._loop, name)
        self.running.add(errand)
        errand.ended.add_done_callback(lambda ended: self.running.discard(errand))
        return errand

    def look(self, now: float, excuse: bool) -> None:
        """Find out whether its code holds the thread; `excuse` it where everything stood still."""
        if self._asked_at is None or excuse:
            self._asked_at = now
            self._loop.call_soon_threadsafe(self._answer)
        elif now - self._asked_at > STALL and not self.blocked:
            self.blocked = True
            metrics.BLOCKED.labels(self.assistant).inc()
            log.error("%s blocks its thread, %s:\n%s", self.assistant, self._who(), self._stack())

    def _answer(self) -> None:
        self._asked_at = None
        if self.blocked:
            self.blocked = False
            log.warning("%s no longer blocks its thread", self.assistant)

    def close(self) -> None:
        """End the thread as soon as its code lets it."""
        self._closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def join(self) -> None:
        """Wait for the thread's end, at most `ENDING` seconds; blocks."""
        self._thread.join(ENDING)

    def _who(self) -> str:
        """What its code was doing, by the names that were given."""
        current = asyncio.current_task(self._loop)
        names = {errand.task: errand.task.get_name() for errand in tuple(self.running) if errand.task}
        if current in names:
            return names[current]
        return f"in what one of these began: {'; '.join(names.values())}" if names else "answering nobody"

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)).rstrip() if frame else "(it has just ended)"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                log.exception("A task of %s wants to end the process; it ended only itself", self.assistant)
        try:
            self._loop.run_until_complete(self._end())
        finally:
            self._loop.close()

    async def _end(self) -> None:
        """Cancel what is left."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


class Stages:
    """The stages of a worker, one an assistant, made when they are first needed. `run` watches them."""

    def __init__(self) -> None:
        self._open: dict[str, Stage] = {}
        self._left: set[Stage] = set()

    async def perform(
        self,
        assistant: str,
        answer: AsyncGenerator[str, None],
        close: Callable[[], Awaitable[None]],
        name: str,
    ) -> AsyncGenerator[str, None]:
        """The pieces of an answer that is given on the assistant's stage; `close` is called there after it.

        `name` tells of it in the log (`in lab, run msg_1.1`). Closing and cancelling are as for `carried`.
        Raises `AssistantError` where too many of the assistant's answers block.
        """
        stage = self._stage(assistant)
        whole = _to_the_end(answer, close)
        async with aclosing(carried(whole, lambda coroutine: stage.send(coroutine, name))) as pieces:
            async for piece in pieces:
                yield piece

    async def run(self) -> None:
        """Look after the stages, until cancelled; then end their threads."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        try:
            while True:
                now = loop.time()
                # The process was stopped, or the worker's own loop late: they had no chance to answer.
                excuse, looked = now - looked > STALL, now
                for stage in (*self._open.values(), *self._left):
                    stage.look(now, excuse)
                self._sort_out()
                await asyncio.sleep(LOOK)
        finally:
            await self._end()

    def _stage(self, assistant: str) -> Stage:
        if assistant not in self._open:
            if sum(stage.assistant == assistant for stage in self._left) >= MAX_BLOCKED:
                raise AssistantError("My last answers do not come to an end, so I can not begin another.")
            self._open[assistant] = Stage(assistant)
        return self._open[assistant]

    def _sort_out(self) -> None:
        """Leave the blocked ones behind, and end those of them that came to an end."""
        for stage in [stage for stage in self._open.values() if stage.blocked]:
            self._left.add(self._open.pop(stage.assistant))
        for stage in [stage for stage in self._left if not stage.blocked and not stage.running]:
            self._left.remove(stage)
            stage.close()
        metrics.LEFT_BEHIND.set(len(self._left))

    async def _end(self) -> None:
        stages = (*self._open.values(), *self._left)
        for stage in stages:
            stage.close()
        await asyncio.gather(*(asyncio.to_thread(stage.join) for stage in stages if not stage.blocked))


async def _to_the_end(
    answer: AsyncGenerator[str, None], close: Callable[[], Awaitable[None]]
) -> AsyncGenerator[str, None]:
    try:
        async with aclosing(answer):
            async for piece in answer:
                yield piece
    finally:
        await close()
