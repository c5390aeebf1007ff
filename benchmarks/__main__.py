"""`./run bench`: measure this server beside others, print a table, and keep the raw results."""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.crowd import CACHE
from benchmarks.disk import flushes, told_of
from benchmarks.machine import Unfit, alone, describe, load_average, prepare
from benchmarks.our_server import HERE, NAME, UNFLUSHED, OurServer
from benchmarks.peer_servers import PEERS
from benchmarks.rounds import Measurement, Results, Rounds
from benchmarks.scenarios import QUICK, SCENARIOS
from benchmarks.systems import System
from benchmarks.table import problems, table

ROUNDS = 5
QUICK_ROUNDS = 1


OTHERS: Sequence[System] = (UNFLUSHED, *PEERS)
"""What this server is measured beside."""


def main() -> int:
    """Read the command line, measure, tell. Exit code 1 where something could not be measured."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that what was started is ended.
    try:
        prepare()
    except Unfit as unfit:
        print(unfit, file=sys.stderr)
        return 1
    every = QUICK if asked.quick else SCENARIOS
    wanted = asked.scenario or ["*"]
    scenarios = [one for one in every if any(fnmatch(one.name, pattern) for pattern in wanted)]
    count = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    own = _own(asked.server_checkout)
    peers = _peers(asked.peer, () if asked.server_checkout else OTHERS)
    rounds = Rounds(scenarios, [*own, *peers], len(own), count, alone)
    results = _measured(rounds, asked.output or CACHE / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json")
    _tell(results, [(one.name, one.about) for one in scenarios])
    return int(any(one.failure for one in results.measurements))


def _measured(rounds: Rounds, path: Path) -> Results:
    """Measure, and write down what there is each time: whoever ends it early has the rest.

    What the file has of other scenarios, measured on such a machine, stays in it.
    """
    with alone():
        flush = flushes()
    results = Results(date=datetime.now(UTC), machine=describe(), flush=flush, measurements=())
    if path.exists() and (before := Results.load(path)).machine == results.machine:
        results = results.instead(before.measurements)
    measurements: list[Measurement] = []
    for one in rounds.measurements():
        _say(one)
        measurements.append(one)
        results.instead(measurements).save(path)
    print(f"\nRaw results: {path}")
    return results.instead(measurements)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=__doc__,
        epilog="Scenarios:\n" + "\n".join(f"  {one.name:<24}{one.about}" for one in SCENARIOS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="the most telling scenarios, in about two minutes"
    )
    parser.add_argument(
        "--scenario", action="append", help="only this one, or such as 'scale-*' (again for more)"
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument(
        "--output",
        type=Path,
        help="where the raw results go; of a file that is there, what is not measured again stays",
    )
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
        choices=[other.name for other in OTHERS],
        help="beside this server only this one (again for more)",
    )
    return parser.parse_args()


def _own(checkouts: list[str]) -> list[System]:
    """This server, or those of the checkouts that are named."""
    systems: list[System] = []
    for named in checkouts or [f"{NAME}={HERE}"]:
        name, _, path = named.rpartition("=")
        checkout = Path(path).resolve()
        systems.append(OurServer(name or checkout.name, checkout))
    return systems


def _peers(named: list[str] | None, default: Sequence[System]) -> Sequence[System]:
    return default if named is None else [other for other in OTHERS if other.name in named]


def _say(one: Measurement) -> None:
    said = f"round {one.round}, {one.scenario}, {one.system}: "
    if one.loaded:
        delivered, own = one.loaded.delivered / one.loaded.seconds, one.loaded.own / one.loaded.seconds
        said += f"{delivered:,.0f} deliveries/s, {own:,.0f} messages/s, "
        said += f"server {one.loaded.share('server') * 100:.0f} %, load {one.load_average:.1f}"
    print(said + (one.failure or ""), file=sys.stderr, flush=True)


def _tell(results: Results, scenarios: list[tuple[str, str]]) -> None:
    print(f"\n{results.date:%Y-%m-%d %H:%M} UTC, {results.machine}, load average {load_average():.1f}")
    if results.flush:
        print(told_of(results.flush))
    for name, about in scenarios:
        print(f"\n## {about} ({name})\n\n{table(results, name)}")
    for problem in problems(results):
        print(f"\nNote: {problem}")


if __name__ == "__main__":
    sys.exit(main())
