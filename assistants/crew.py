"""The posts of a worker, as its registry changes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import RedisError

from assistants.cancelling import end
from assistants.plugin import Assistant
from assistants.post import RETRY, Pace, Post
from assistants.registry import Registry
from assistants.requests import schemas
from assistants.services import Services
from productflo.errors import ProductFloError
from productflo.store.profiles import Profile
from productflo.store.refusals import note


class Crew:
    """A post for each assistant that runs. `tasks` owns the turns, which outlive the looking for work."""

    def __init__(self, services: Services, worker: str, pace: Pace, tasks: asyncio.TaskGroup) -> None:
        self._services = services
        self._worker = worker
        self._pace = pace
        self._tasks = tasks
        self._posts: dict[str, Post] = {}
        self._loops: dict[str, list[asyncio.Task[None]]] = {}
        self._retired: list[Post] = []

    @property
    def posts(self) -> list[Post]:
        """Those that look for work."""
        return list(self._posts.values())

    async def close(self) -> None:
        """Look for work no longer; what has begun goes on."""
        await end([loop for loops in self._loops.values() for loop in loops])
        for post in self.posts:
            post.close()

    @property
    def turns(self) -> set[asyncio.Task[None]]:
        """All answers under way, those of posts that look no longer too."""
        return {turn for post in [*self.posts, *self._retired] for turn in post.turns}

    async def follow(self, registry: Registry, looking: asyncio.TaskGroup) -> list[Post]:
        """Let the posts be those of the registry; the ones that have ended are returned.

        Turns that have begun go on as they are, also those of an assistant that is gone.
        """
        self._retired = [post for post in self._retired if post.turns]
        gone = [await self._retire(one) for one in [*self._posts] if one not in registry.ready]
        for assistant, ready in registry.ready.items():
            if assistant in self._posts:
                self._posts[assistant].be(ready)
            else:
                self._begin(Post(self._services, ready, self._worker, self._pace, self._tasks), looking)
        return gone

    def _begin(self, post: Post, looking: asyncio.TaskGroup) -> None:
        self._posts[post.assistant] = post
        self._loops[post.assistant] = [
            looking.create_task(post.listen()),
            looking.create_task(post.succeed()),
            looking.create_task(every(self._pace.sweep, post.sweep)),
        ]

    async def _retire(self, assistant: str) -> Post:
        await end(self._loops.pop(assistant))
        post = self._posts.pop(assistant)
        post.close()
        self._retired.append(post)
        return post


def profile_of(assistant: Assistant[Any]) -> Profile:
    """How an assistant presents itself to rooms."""
    return Profile(
        assistant.id,
        assistant.name,
        assistant.description,
        tuple(sorted(assistant.on)),
        schemas(assistant.requests),
        assistant.commands,
    )


async def every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do it again and again; while the store is away, sooner and without complaining each time."""
    failing = False
    while True:
        try:
            await work()
            failing = False
        except (ProductFloError, RedisError) as error:
            note(error)
            failing = True
        await asyncio.sleep(min(seconds, RETRY) if failing else seconds)
