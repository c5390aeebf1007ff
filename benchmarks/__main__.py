"""`./run bench`: measure this server beside others, print a table, and keep the raw results."""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.crowd import CACHE
from benchmarks.machine import Unfit, load_average, prepare
from benchmarks.our_server import HERE, OurServer
from benchmarks.peer_servers import PEERS
from benchmarks.rounds import Measurement, Results, Rounds
from benchmarks.scenarios import QUICK, SCENARIOS
from benchmarks.systems import System
from benchmarks.table import problems, table

ROUNDS = 5
QUICK_ROUNDS = 2


def main() -> int:
    """Read the command line, measure, tell. Exit code 1 where something could not be measured."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that what was started is ended.
    try:
        prepare()
    except Unfit as unfit:
        print(unfit, file=sys.stderr)
        return 1
    wanted = asked.scenario or (QUICK if asked.quick else [one.name for one in SCENARIOS])
    scenarios = [one for one in SCENARIOS if one.name in wanted]
    count = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    results = Rounds(scenarios, _systems(asked.server_checkout, asked.peer), count, _say).run()
    path = asked.output or CACHE / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    results.save(path)
    _tell(results, [(one.name, one.about) for one in scenarios])
    print(f"\nRaw results: {path}")
    return int(any(one.failure for one in results.measurements))


def _asked() -> argparse.Namespace:
    names = [one.name for one in SCENARIOS]
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="the most telling scenarios, in about two minutes"
    )
    parser.add_argument("--scenario", action="append", choices=names, help="only this one (may be repeated)")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument("--output", type=Path, help="where the raw results go")
    parser.add_argument(
        "--server-checkout",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="measure the server of this checkout, which is set up; repeated, compare them",
    )
    parser.add_argument(
        "--peer",
        action="append",
        choices=[peer.name for peer in PEERS],
        help="beside this server only this one (may be repeated)",
    )
    return parser.parse_args()


def _systems(checkouts: list[str], peers: list[str] | None) -> list[System]:
    """The servers to measure: with checkouts, only the peers that are named, else all unless some are."""
    systems: list[System] = []
    for named in checkouts or [f"ProductFlo chat={HERE}"]:
        name, _, path = named.rpartition("=")
        checkout = Path(path).resolve()
        systems.append(OurServer(name or f"ProductFlo chat ({checkout.name})", checkout))
    if peers is None:
        return systems if checkouts else [*systems, *PEERS]
    return [*systems, *(peer for peer in PEERS if peer.name in peers)]


def _say(one: Measurement) -> None:
    said = f"round {one.round}, {one.scenario}, {one.system}: "
    if one.loaded:
        delivered, own = one.loaded.delivered / one.loaded.seconds, one.loaded.own / one.loaded.seconds
        said += f"{delivered:,.0f} deliveries/s, {own:,.0f} messages/s, "
        said += f"server {one.loaded.share('server') * 100:.0f} %, load {one.load_average:.1f}"
    print(said + (one.failure or ""), file=sys.stderr, flush=True)


def _tell(results: Results, scenarios: list[tuple[str, str]]) -> None:
    print(f"\n{results.date:%Y-%m-%d %H:%M} UTC, {results.machine}, load average {load_average():.1f}")
    for name, about in scenarios:
        print(f"\n## {about} ({name})\n\n{table(results, name)}")
    for problem in problems(results):
        print(f"\nNote: {problem}")


if __name__ == "__main__":
    sys.exit(main())
