"""The pages of the documentation that tell what was measured, made from the raw results beside them."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.capacity import BUSY, CONNECTIONS, CORES, Community, fitted, said_to_measured, told
from benchmarks.disk import told_of
from benchmarks.our_server import SETTINGS
from benchmarks.plot import PANELS, svg
from benchmarks.rounds import Results
from benchmarks.scenarios import RATE, SCENARIOS
from benchmarks.table import growth, problems, table

RESULTS = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.json"
"""The raw results of the last full run."""
SCALE = "scale-"
"""Scenarios whose names begin with this differ in one number, and are told of together."""
PEOPLE = (10_000, 100_000, 1_000_000)

_BENCHMARKS = """# Benchmarks

<!-- Made by docs/generate.py from benchmarks.json, which `./run bench --output` wrote. -->

Measured on {date:%Y-%m-%d, %H:%M} UTC: {machine}.
Medians of the rounds, in brackets the smallest and the largest. Repeat it with
`./run bench --output docs/reference/benchmarks.json` (an hour and a half; `--quick`: two minutes) and
`.venv/bin/python docs/generate.py`. It needs Linux, two cores, a C compiler, and Node for two of the peers.
Read ratios rather than figures: another machine has others.

In each round every system is started afresh on one core, alone. The other core has the load generator, and
the server's Redis or Valkey. This server runs its whole path, with the embedded Valkey at its default
durability: a message is on the disk before anybody is told of it.
Set for the benchmark only, since a few clients stand for many: {settings}.
The peers keep nothing, check little, and are written as each project's
documentation shows it (`benchmarks/peers`); their Redis is a Valkey in memory.

`server %`, `store %` and `generator %` are shares of a core, from the kernel's count of CPU time; `others %`
is what anything else took of the server's core. A generator near 100 % would be the limit: the rows
`ceiling (C)`, a server that does nothing but copy, show how far it reaches. The rows `fast` are this server
with `PRODUCTFLO_DURABILITY=fast`, which tells of a message before it is on the disk;
`the path alone` is a chat's way through this server with nothing beside it (`benchmarks/floor.py`), which
nobody could use: the least that the way takes in Python.
`first / this` says how many times as good the first row is.

"""
_NOTES: Mapping[str, str] = {
    "pieces": """The web process does nothing but deliver: the assistant's worker, and whoever chats, are
elsewhere. A model says 50 tokens a second, the worker gathers them for 40 ms, and all have asked for pieces.
The chats are padded to the bytes of a piece, and as many come a second. `piece / chat` compares the web
process's CPU time for a delivery: it is to be 1 at most. `store` compares the store's: a chat is kept, a
piece is not. The p50 of a piece counts from the model's first token in it, the gathering included.""",
    "halves-rooms": """Each web process has half of the server's core, since this machine has no whole one for
a second: two share it, and one shares it with a loop that does nothing. So `two / one` is what a second core
brings to a web process where store and load have theirs, as long as the other core is not full. `by CPU time`
is the same from what a message costs, which depends less on what else goes on. A room's members are on either
process, so both receive most of its messages.""",
}
"""What has to be known to read a scenario's table, by its name."""
_FLUSHED = "The store flushes a message, with all that waits with it, before anybody is told of it. "

_CAPACITY = """# How much is needed for how many

<!-- Made by docs/generate.py from benchmarks.json by benchmarks/capacity.py. -->

From the [benchmarks](benchmarks.md) of {date:%Y-%m-%d}, fitted to what was measured at fixed rates on
{machine}:

| | |
|---|---:|
| a message taken in, web process | {message:.0f} µs |
| a delivery to one connection, web process | {delivery:.1f} µs |
| a message, store | {stored:.0f} µs |
| memory of an idle, joined connection | {memory:.1f} KB |

A sum of two costs does not know that messages which come at once share work: it says {least:.2f} to
{most:.2f} times what was measured in each of those runs. The half of each core that is kept free covers that.

Each person has {devices} connections and says {an_hour:.0f} things an hour at the busiest time, in a room in
which {room} are connected. Cores are {busy:.0%} busy at most, a process has at most {connections:,}
connections (`PRODUCTFLO_MAX_CONNECTIONS`), and a host {cores} cores.

{table}

A message is taken in by one process and received by each that has a member of its room. It is counted as if
receiving cost as much as taking in, so that with many processes the table says rather too much than too
little. Other numbers: `.venv/bin/python -m benchmarks.capacity docs/reference/benchmarks.json PEOPLE`.
Memory of a process itself (about 60 MB), files and history come on top, and so do assistants' workers.
"""


def benchmarks_page() -> str:
    """All tables of the last full run."""
    return tables(Results.load(RESULTS))


def tables(results: Results) -> str:
    """A page of results: its tables, with what has to be known to read them."""
    settings = ", ".join(f"`{name}={value}`" for name, value in SETTINGS.items())
    page = _BENCHMARKS.format(date=results.date, machine=results.machine, settings=settings)
    notes = {name: f"{note}\n\n" for name, note in _NOTES.items()}
    if results.flush:
        notes[RATE.name] = f"{_FLUSHED}{told_of(results.flush)}\n\n"
    measured = {one.scenario for one in results.measurements}
    for scenario in SCENARIOS:
        if scenario.name in measured and not scenario.name.startswith(SCALE):
            told = notes.get(scenario.name, "")
            page += f"## {scenario.about}\n\n{told}{table(results, scenario.name)}\n\n"
    page += "## How costs grow\n\n![Costs against members, connections and processes](scaling.svg)\n\n"
    for panel in PANELS:
        grown = {one.name: one.about for one in SCENARIOS if one.name.startswith(panel.prefix)}
        page += f"{growth(results, grown)}\n\n"
    noted = problems(results)
    if noted:
        page += "## What was not as it should be\n\n" + "".join(f"- {note}\n" for note in noted)
    return page.rstrip() + "\n"


def scaling_drawing() -> str:
    """How costs grow, as SVG."""
    return svg(Results.load(RESULTS))


def capacity_page() -> str:
    """What communities need."""
    results = Results.load(RESULTS)
    costs = fitted(results.measurements)
    community = Community(1)
    ours = [one for one in results.measurements if one.system == results.measurements[0].system]
    ratios = said_to_measured(costs, ours)
    return _CAPACITY.format(
        date=results.date,
        machine=results.machine,
        message=costs.message * 1e6,
        delivery=costs.delivery * 1e6,
        stored=costs.stored * 1e6,
        memory=costs.connection_bytes / 1000,
        devices=community.devices,
        an_hour=community.messages_an_hour,
        room=community.room,
        busy=BUSY,
        connections=CONNECTIONS,
        cores=CORES,
        least=min(ratios),
        most=max(ratios),
        table=told(costs, PEOPLE),
    )
