"""Where each microsecond of a chat's way through the web process goes: `python -m benchmarks.profile`.

py-spy, which comes from PyPI, looks at the process a thousand times a second while people talk in many small
rooms. Each look counts to a stage, by the function of ours that is farthest in; what a stage takes of a
message is its share of the process's CPU time. What uvloop does between our functions, most of it in the
kernel, is the loop's.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchmarks.crowd import CACHE, Failed, crowd
from benchmarks.machine import OTHER_CORE, alone, describe, load_average, on_core, prepare
from benchmarks.our_server import HERE, OurServer
from benchmarks.outcome import started, wait_until_quiet
from benchmarks.scenarios import ROOMS

PY_SPY = "py-spy==0.4.3"
LOOKS_PER_SECOND = 1000
LEAD_SECONDS = 1.0
"""Within the load's time, on either side of what py-spy sees."""

STAGES: Mapping[str, str] = {
    "count (metrics)": r"prometheus_client/|productflo/(metrics|tallies)\.py",
    "write to the members": r"(send|resume_writing|_keep_for_later|write) \(.*server/wire\.py\)$",
    "parse, check, limit": r"(parse|validate|_model) \(.*protocol/codec\.py\)$"
    r"|protocol/(inbound|requests|timestamps)\.py|productflo/domain/|server/rate_limits\.py",
    "read frames": r"server/wire\.py|protocol/frames\.py",
    "fan out": r"server/(feed|subscription|connection|relay|hub|answers)\.py",
    "hear the bus": r"store/(ear|bus|events)\.py",
    "wake assistants": r"service/wakeups\.py",
    "write to the log": r"store/",
    "encode": r"service/chat\.py|codec\.py|protocol/(outbound|messages)\.py",
    "keep the conversation": r"productflo/(server|service)/",
}
"""A stage is the first whose pattern a frame `function (path)` matches."""
OTHER = "event loop and kernel"


def stage(stack: str) -> str | None:
    """The stage of a stack of py-spy's, `frame;frame;...`, outermost first; None for other threads."""
    frames = stack.split(";")
    if "_bootstrap" in frames[0]:
        return None
    for frame in reversed(frames):
        frame = re.sub(r":\d+\)$", ")", frame)
        for name, pattern in STAGES.items():
            if re.search(pattern, frame) and ("productflo/" in frame or "prometheus" in frame):
                return name
    return OTHER


def shares(raw: str) -> dict[str, float]:
    """Of all looks at the main thread, the share of each stage; `raw` is py-spy's format of that name."""
    looks: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if "productflo" in stack and (name := stage(stack)):
            looks[name] += int(count)
    total = looks.total()
    if not total:
        raise Failed("py-spy saw nothing of the server")
    return {name: count / total for name, count in looks.most_common()}


def profiled(server: OurServer) -> tuple[dict[str, float], float]:
    """Microseconds of a message by stage, and messages a second. Raises `Failed`."""
    with started(server) as running:
        pid = running.processes["server"]
        with crowd(
            server.dialect, running.port, running.processes, members=ROOMS.members, rooms=ROOMS.rooms
        ) as clients:
            wait_until_quiet(running)
            clients.begin(ROOMS.load)
            raw = _look(pid, int(ROOMS.load.seconds - LEAD_SECONDS))
            loaded = clients.end()
    each = loaded.cpu["server"] / loaded.own * 1e6
    return {name: share * each for name, share in shares(raw).items()}, loaded.own / loaded.seconds


def _look(pid: int, seconds: int) -> str:
    spy, out = CACHE / "py-spy", CACHE / "py-spy.txt"
    if not spy.exists():
        pip = (sys.executable, "-m", "venv", str(spy))
        subprocess.run(pip, check=True)
        subprocess.run((str(spy / "bin" / "pip"), "install", "-q", PY_SPY), check=True)
    record = (str(spy / "bin" / "py-spy"), "record", "-p", str(pid), "-d", str(seconds))
    form = ("-r", str(LOOKS_PER_SECOND), "-f", "raw", "-o", str(out))
    subprocess.run(on_core(OTHER_CORE, *record, *form), check=True, capture_output=True)
    return out.read_text()


def table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Stages as rows and servers as columns, in microseconds a message."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [["stage", *columns], ["---", *("---:" for _ in columns)]]
    for name in names:
        rows.append([name, *(f"{column.get(name, 0.0):.1f}" for column in columns.values())])
    rows.append(["**in all**", *(f"**{sum(column.values()):.1f}**" for column in columns.values())])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Read the command line, look, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--server-checkout",
        action="append",
        metavar="NAME=PATH",
        help="the server of this checkout, which is set up; repeated, compare them",
    )
    prepare()
    columns: dict[str, dict[str, float]] = {}
    for named in parser.parse_args().server_checkout or [f"now={HERE}"]:
        name, _, path = named.rpartition("=")
        with alone():
            columns[name], rate = profiled(OurServer(name, Path(path).resolve()))
        print(f"{name}: {rate:,.0f} messages a second, load {load_average():.1f}", file=sys.stderr)
    print(f"{ROOMS.about}; {describe()}\n\n{table(columns)}")


if __name__ == "__main__":
    main()
