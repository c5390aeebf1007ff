"""`/metrics`: what this host's web processes have counted, for Prometheus.

How busy a server is concerns its operator only: with tokens it takes the service key, from wherever the call
comes. (An address proves nothing: behind a proxy on the same machine everybody has the loopback one.)
"""

import asyncio
import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from quart import Blueprint, Response, request

from productflo import tallies
from productflo.web.guard import Guard

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where each process of a host keeps its numbers for the others; prometheus_client reads it when imported."""


def metrics_blueprint(guard: Guard) -> Blueprint:
    """`/metrics`, in the text format or OpenMetrics, as the caller's `Accept` says."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    async def metrics() -> Response:
        if not guard.is_open:
            guard.require_operator(request)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        tallies.tell()
        # In a thread: of many processes each has left some files to read.
        return Response(await asyncio.to_thread(encode, _registry()), content_type=content_type)

    return blueprint


def _registry() -> CollectorRegistry:
    """This process's numbers; where several serve, the sum of all, without what only one of them is."""
    if DIRECTORY_VARIABLE not in os.environ:
        return REGISTRY
    everybodys = CollectorRegistry()
    MultiProcessCollector(everybodys)  # type: ignore[no-untyped-call]  # prometheus_client's, without annotations
    return everybodys
