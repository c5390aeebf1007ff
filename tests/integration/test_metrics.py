"""`/metrics`: who may read it, in which format, and over several processes."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from chatting import Server, web_process
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

SECRET = "a-secret-of-at-least-thirty-two-bytes"
SERVICE_KEY = "a-service-key-for-tests"


async def test_an_open_server_tells_anybody(server: Server) -> None:
    """In the text format, or in OpenMetrics where that is asked for; nothing is kept by anybody between."""
    async with httpx.AsyncClient(base_url=server.http) as http:
        answer = await http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        assert {"productflo_connections", "productflo_closes", "process_resident_memory_bytes"} <= names
        modern = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert modern.headers["content-type"].startswith("application/openmetrics-text")
        assert names <= {family.name for family in openmetrics.text_string_to_metric_families(modern.text)}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-Forwarded-For": "127.0.0.1"}, 401),
        ({"Authorization": f"Bearer {SERVICE_KEY}"}, 200),
        ({"X-Service-Key": "another-service-key"}, 401),
    ],
)
async def test_with_tokens_it_takes_the_service_key(
    store_url: str, tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """Also from this machine, where a proxy's clients come from as well."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_SECRET": SECRET, "PRODUCTFLO_SERVICE_KEY": SERVICE_KEY}
    async with web_process(tmp_path, **env) as server, httpx.AsyncClient(base_url=server.http) as http:
        assert (await http.get("/metrics", headers=headers)).status_code == status


async def test_it_tells_the_sum_of_all_processes(store_url: str, tmp_path: Path) -> None:
    """What another process counted, which has ended since, is there; what it had open is not."""
    together = tmp_path / "metrics"
    together.mkdir()
    env = {"PROMETHEUS_MULTIPROC_DIR": str(together)}
    other = (
        "import os; from productflo import metrics; from prometheus_client import multiprocess;"
        "metrics.APPENDED.inc(41); metrics.CONNECTIONS.inc(7); multiprocess.mark_process_dead(os.getpid())"
    )
    subprocess.run([sys.executable, "-c", other], env={**os.environ, **env}, check=True)  # noqa: ASYNC221
    async with (
        web_process(tmp_path, REDIS_URL=store_url, **env) as server,
        httpx.AsyncClient(base_url=server.http) as http,
        server.client("ada") as ada,
    ):
        await ada.settled()
        told = text_string_to_metric_families((await http.get("/metrics")).text)
        values = {sample.name: sample.value for family in told for sample in family.samples}
        assert values["productflo_appended_total"] >= 41
        assert values["productflo_connections"] < 7


async def counted(server: Server) -> dict[str, float]:
    """Every sample of `/metrics`, by its name and labels."""
    async with httpx.AsyncClient(base_url=server.http) as http:
        told = text_string_to_metric_families((await http.get("/metrics")).text)
    samples = (sample for family in told for sample in family.samples)
    return {" ".join([one.name, *one.labels.values()]): one.value for one in samples}


async def test_envelopes_and_errors_are_counted_by_their_codes(server: Server, room: str) -> None:
    """Whatever a client makes up counts as one thing: a label of its choice would grow without end."""
    before = await counted(server)
    async with server.client("ada") as ada:
        await ada.join(room)
        for code in ("made_up", "made_up_too"):
            await ada.say(code, room)
            await ada.error()
        after = await counted(server)
        assert after["productflo_connections"] == before["productflo_connections"] + 1
    rise = {name: value - before.get(name, 0) for name, value in after.items()}
    assert rise["productflo_envelopes_total join"] == 1
    assert rise["productflo_envelopes_total other"] == 2
    assert rise["productflo_errors_total UNSUPPORTED_MESSAGE_TYPE"] == 2
    assert not [name for name in after if "made_up" in name]
