"""What `/metrics` of a server has risen by, while a test caused something."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from chatting import Server
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families


async def counted(server: Server, headers: Mapping[str, str] | None = None) -> dict[str, float]:
    """Every sample, by its name without `productflo_`, and its labels: `errors_total NOT_FOUND`."""
    async with httpx.AsyncClient(base_url=server.http, headers=headers) as http:
        answer = await http.get("/metrics")
    samples = (one for family in text_string_to_metric_families(answer.text) for one in family.samples)
    return {
        " ".join([one.name.removeprefix("productflo_"), *one.labels.values()]): one.value for one in samples
    }


def here(name: str, *labels: str) -> float:
    """The same of this process, for what is tested without a server."""
    for family in REGISTRY.collect():
        for one in family.samples:
            if (one.name, tuple(one.labels.values())) == (f"productflo_{name}", labels):
                return one.value
    return 0


class Rise:
    """What has risen since the beginning, read anew each time."""

    def __init__(self, server: Server, before: Mapping[str, float]) -> None:
        self._server = server
        self._before = before

    async def of(self, *names: str) -> list[float]:
        """How much these have risen."""
        now = await counted(self._server)
        return [now.get(name, 0) - self._before.get(name, 0) for name in names]


@asynccontextmanager
async def counting(server: Server) -> AsyncIterator[Rise]:
    """From now on."""
    yield Rise(server, await counted(server))
