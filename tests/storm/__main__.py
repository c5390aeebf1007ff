"""`./run storm`: faults in the midst of traffic, and the checker's verdict. See docs/explanation/storm.md."""

import asyncio
import random
import shlex
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click
from storm.deployment import deployed
from storm.faults import FAULTS, FULL, QUICK, cuts, missing
from storm.habits import Habits
from storm.network import Loopback, Network, NoNamespaces, linked
from storm.report import Report
from storm.stores import STORES
from storm.weather import Outcome, Plan, weather


@click.command()
@click.option("--quick", is_flag=True, help="About a minute, instead of the whole storm.")
@click.option("--seed", type=int, help="Of everything that is left to chance; printed in the report.")
@click.option("--faults", help="Only these, for example kill-web=3,cut-web-5s; `none` for traffic alone.")
@click.option("--messages", type=int, default=0, help="Go on until so many are acknowledged.")
@click.option("--people", default=48, show_default=True)
@click.option("--pause", default=0.15, show_default=True, help="Seconds between a person's messages.")
@click.option("--webs", default=4, show_default=True, help="Web servers.")
@click.option("--workers", default=1, show_default=True, help="Processes of each.")
@click.option("--store", type=click.Choice(list(STORES)), default="single", show_default=True)
@click.option("--wire", type=click.Choice(["own", "quart"]), default="own", show_default=True)
@click.option("--report", type=click.Path(path_type=Path), help="Save the report there, as JSON.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for logs, data and journals.")
def storm(
    quick: bool,
    seed: int | None,
    faults: str | None,
    messages: int,
    people: int,
    pause: float,
    webs: int,
    workers: int,
    store: str,
    wire: str,
    report: Path | None,
    keep: Path | None,
) -> None:
    """Kill, stop and cut off processes in the midst of traffic; then compare what everybody heard."""
    plan = Plan(
        random.randrange(2**31) if seed is None else seed,
        _named(faults) if faults else _possible(QUICK if quick else FULL, store),
        people,
        messages,
        # What was done to a message that a fail-over took away is rightly refused.
        Habits(pause=pause) if store == "single" else Habits(pause=pause, revises=0),
    )
    _refuse_what_is_missing(plan, store)
    command = shlex.join(["./run", "storm", *sys.argv[1:]])
    date = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm")))
        folder.mkdir(parents=True, exist_ok=True)
        network: Network = Loopback()
        if any(map(cuts, plan.faults)):
            try:
                network = stack.enter_context(linked(webs))
            except NoNamespaces as lack:
                raise click.ClickException(str(lack)) from None
        settings = {"PRODUCTFLO_WIRE": wire, "PRODUCTFLO_WORKERS": str(workers)}
        outcome = asyncio.run(
            _storm(folder, network, plan, store, webs, settings, keep and keep / "journals")
        )
    told = Report(command, date, wire, plan, outcome, store, may_lose=store != "single")
    print(told)
    if report:
        told.save(report)
    sys.exit(not told.passed)


async def _storm(
    folder: Path,
    network: Network,
    plan: Plan,
    store: str,
    webs: int,
    settings: Mapping[str, str],
    journals: Path | None,
) -> Outcome:
    async with deployed(folder, network, plan.seed, store=store, webs=webs, **settings) as deployment:
        return await weather(deployment, plan, journals)


def _named(faults: str) -> Mapping[str, int]:
    """`kill-web=3,race` as a plan has it."""
    wanted: dict[str, int] = {}
    for one in faults.split(","):
        name, _, times = one.strip().partition("=")
        if name == "none":
            continue
        if name not in FAULTS or not (times or "1").isdigit():
            raise click.BadParameter(f"{one!r} is not NAME or NAME=TIMES. Names: {', '.join(FAULTS)}")
        wanted[name] = int(times or 1)
    return wanted


def _possible(faults: Mapping[str, int], store: str) -> Mapping[str, int]:
    """Those of the usual faults that this store knows."""
    single_only = {name for name in faults if store != "single" and (cuts(name) or name == "store-clock")}
    return {name: times for name, times in faults.items() if name not in single_only}


def _refuse_what_is_missing(plan: Plan, store: str) -> None:
    lacking = [f"{name} needs {what}" for name in plan.faults if (what := missing(name, store))]
    if lacking:
        raise click.ClickException(
            "\n".join([*lacking, "Install it, or name the faults to cause: --faults " + ",".join(FAULTS)])
        )


if __name__ == "__main__":
    storm()
