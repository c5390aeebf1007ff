"""What benchmarks make of their measurements: tables, costs, and the pages of the documentation."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from benchmarks.capacity import BUSY, CONNECTIONS, Community, Costs, fitted, needs, said_to_measured
from benchmarks.crowd import Core, Failed, Joined, Latency, Loaded
from benchmarks.disk import flushes, latency
from benchmarks.outcome import Outcome
from benchmarks.page import RESULTS, tables
from benchmarks.peer_servers import PEERS
from benchmarks.plot import PANELS, points
from benchmarks.rounds import Measurement, Results, Rounds
from benchmarks.steps import BATCH, MEMBERS, steps
from benchmarks.systems import FILL, System
from benchmarks.table import problems, table
from productflo.protocol.inbound import Chat
from productflo.server.feed import Feed
from productflo.store.entries import Entry

LIKELY = 1.5
"""Times as much as was measured that the model may say, or as little: it has two costs for all scenarios, and
the same message costs half as much where many of one room come at once. `BUSY` leaves room for that."""
NONE = Latency(count=0, p50=0, p90=0, p99=0, p999=0, max=0)
WHEN = datetime(2026, 11, 28, tzinfo=UTC)


def measured(
    scenario: str, system: str, messages: int, members: int, cpu: float, number: int = 1, missing: int = 0
) -> Measurement:
    """One second of so many messages to so many members, with so many seconds of CPU."""
    loaded = Loaded(
        seconds=1.0,
        cpu={"server": cpu, "store": messages * 1e-5, "generator": 0.1},
        cores=(Core(busy=cpu, steal=0), Core(busy=0.5, steal=0)),
        said=messages,
        own=messages,
        delivered=messages * members,
        bytes=0,
        missing=missing,
        skipped=0,
        errors=0,
        gone=0,
        latency=NONE,
        own_latency=NONE,
    )
    return Measurement(scenario=scenario, system=system, round=number, at=WHEN, load_average=0, loaded=loaded)


def compared(scenario: str, load: Measurement, baseline: Measurement) -> Measurement:
    """A measurement of a load and of what it is compared with."""
    return load.model_copy(update={"scenario": scenario, "baseline": baseline.loaded})


def cells(found: Measurement) -> dict[str, str]:
    """The one row of a table, by the heads; of those that stand there twice the first."""
    head, _, row = (line.split(" | ") for line in table(results(found), found.scenario).splitlines())
    return dict(reversed(list(zip(head, row, strict=True))))


def results(*measurements: Measurement) -> Results:
    return Results(date=WHEN, machine="a machine", measurements=measurements)


def test_a_table_has_medians_spread_and_ratios() -> None:
    """The first system is compared with the others by the medians of the rounds."""
    found = [
        measured("fan-out", "ours", count, 10, 0.5, number) for number, count in enumerate((90, 100, 400))
    ]
    found += [
        measured("fan-out", "theirs", count, 10, 0.5, number) for number, count in enumerate((10, 25, 30))
    ]
    rows = table(results(*found), "fan-out").splitlines()
    assert rows[2].startswith("| ours | **1,000** (900 to 4,000) | 100 |")
    assert rows[2].endswith("|  |")
    assert rows[3].startswith("| theirs | **250** (100 to 300) | 25 |")
    assert rows[3].endswith("| 4.00 |")


def test_what_is_missing_is_told() -> None:
    """A measurement in which deliveries did not come is not passed over."""
    assert problems(results(measured("a", "ours", 5, 2, 0.1))) == []
    (problem,) = problems(results(measured("a", "ours", 5, 2, 0.1, missing=3)))
    assert "3 deliveries missing" in problem


def test_what_is_compared_with_is_looked_at_too() -> None:
    """Errors in it are told; who only listens misses nothing that can be counted."""
    fine, worse = measured("a", "ours", 5, 2, 0.1), measured("a", "ours", 5, 2, 0.1, missing=3)
    (problem,) = problems(results(compared("a", fine, worse)))
    assert "3 deliveries missing" in problem
    assert worse.loaded is not None
    listening = worse.loaded.model_copy(update={"said": 0})
    assert problems(results(fine.model_copy(update={"baseline": listening}))) == []


def test_a_piece_is_compared_with_a_chat() -> None:
    """By what each delivery costs: here half of it, of the same number of deliveries."""
    found = compared("pieces", measured("", "ours", 10, 500, 0.05), measured("", "ours", 10, 500, 0.1))
    row = cells(found)
    assert row["piece / chat"] == "0.50"
    assert row["µs/piece delivered"] == "10.00"
    assert row["µs/chat delivered"] == "20.00"


def test_two_processes_are_compared_with_one() -> None:
    """By what they carry, and by what a message costs in both together."""
    two, one = measured("", "ours", 1800, 4, 0.5), measured("", "ours", 1000, 4, 0.5)
    assert two.loaded is not None
    cpu = {"server": 0.5, "server2": 0.5, "store": 0.1}
    both = two.model_copy(update={"loaded": two.loaded.model_copy(update={"cpu": cpu})})
    row = cells(compared("halves-rooms", both, one))
    assert row["two / one"] == "1.80"
    assert row["by CPU time"] == "1.80"
    assert row["µs/message of two"] == "555.6"
    assert row["and"] == "50"


def test_costs_are_found_again() -> None:
    """Measurements made from two costs give those costs."""
    points = [(2000, 10), (200, 100), (20, 1000)]
    made = [
        measured(
            f"scale-members-{members}", "ours", messages, members, messages * 2e-4 + messages * members * 1e-5
        )
        for messages, members in points
    ]
    costs = fitted(made)
    assert costs.message == pytest.approx(2e-4)
    assert costs.delivery == pytest.approx(1e-5)
    assert costs.stored == pytest.approx(1e-5)


def test_costs_need_enough_measurements() -> None:
    """One scenario says nothing about two costs; neither does noise that makes one of them negative."""
    with pytest.raises(ValueError, match="three scenarios"):
        fitted([measured("scale-members-10", "ours", 10, 10, 0.5)])
    noise = [
        measured(f"scale-members-{n}", "ours", 100, n, cpu) for n, cpu in ((10, 0.9), (100, 0.5), (1000, 0.1))
    ]
    with pytest.raises(ValueError, match="noisy"):
        fitted(noise)


def test_needs_grow_with_people() -> None:
    """More people never need less; no core is too busy, and no process has too many connections."""
    costs = Costs(message=3e-4, delivery=1e-5, stored=2e-4, connection_bytes=7500)
    before = 0
    for people in (1, 100, 10_000, 100_000, 1_000_000):
        community = Community(people)
        need = needs(costs, community)
        assert need.processes >= max(before, 1)
        assert need.web_cores <= need.processes * BUSY
        assert need.store_cores <= need.shards * BUSY
        assert community.connections <= need.processes * CONNECTIONS
        assert need.memory == pytest.approx(community.connections * 7500)
        before = need.processes


def test_the_model_fits_what_was_measured() -> None:
    """Two costs explain the CPU of every measurement at a fixed rate, about."""
    every = Results.load(RESULTS).measurements
    ours = [one for one in every if one.system == every[0].system]
    costs = fitted(ours)
    ratios = said_to_measured(costs, ours)
    assert len(ratios) >= 8
    assert max(ratios) < LIKELY
    assert min(ratios) > 1 / LIKELY


def test_the_drawing_has_every_panel() -> None:
    """There are measurements for each line of docs/reference/scaling.svg."""
    found = Results.load(RESULTS)
    for panel in PANELS:
        assert len(points(found, panel, "server")) >= 2, panel.title


def test_what_is_measured_again_takes_the_place_of_what_was() -> None:
    """Other scenarios' measurements stay."""
    old, kept = measured("a", "ours", 5, 2, 0.1), measured("b", "ours", 5, 2, 0.1)
    new = measured("a", "ours", 6, 2, 0.1)
    assert results(old, kept).instead([new]).measurements == (kept, new)


class Failing:
    """A scenario in which one system can not be measured."""

    name = "failing"
    about = "fails with ws"
    for_peers = True

    def measure(self, system: System) -> Outcome:
        """Fail with one, and measure the other."""
        if system.name == "ws":
            raise Failed("it did not start")
        joined = Joined(
            seconds=1, cpu={}, cores=(), joined=1, gone=0, heard=0, first_error="", upgrade=NONE, join=NONE
        )
        return Outcome(joined)


def test_a_failure_is_noted_and_the_rest_goes_on() -> None:
    """Rounds take turns over the systems; one that fails leaves its words, and a table without it."""
    systems = [peer for peer in PEERS if peer.name in {"ws", "picows"}]
    found = list(Rounds([Failing()], systems, 0, 2).measurements())
    assert [(one.round, one.system, one.failure) for one in found] == [
        (1, "ws", "it did not start"),
        (1, "picows", None),
        (2, "ws", "it did not start"),
        (2, "picows", None),
    ]
    assert len(problems(results(*found))) == 2
    assert "ws" not in table(results(*found), "failing").replace("picows", "")


def test_results_survive_saving(tmp_path: Path) -> None:
    """What is read again is what was measured."""
    made = results(measured("a", "ours", 5, 2, 0.1))
    made.save(tmp_path / "raw.json")
    assert Results.load(tmp_path / "raw.json") == made
    flushed = made.model_copy(update={"flush": latency([0.001, 0.002])})
    flushed.save(tmp_path / "flushed.json")
    assert Results.load(tmp_path / "flushed.json") == flushed


def test_the_page_tells_what_the_disk_takes() -> None:
    """Beside the fixed rate, whose slowest messages waited for it; of older results it tells nothing."""
    made = results(measured("rate", "ours", 400, 100, 0.5))
    flush = latency([0.0002] * 95 + [0.003] * 5)
    assert "took 0.20 ms at the median, 3.00 ms at p99 (100 times" in tables(
        made.model_copy(update={"flush": flush})
    )
    assert "flushing" not in tables(made)


def test_flushes_are_timed(tmp_path: Path) -> None:
    """Each takes some time, and the file is gone afterwards."""
    found = flushes(tmp_path / "disk", 20)
    assert found.count == 20
    assert 0 < found.p50 <= found.p90 <= found.p99 <= found.max
    assert list((tmp_path / "disk").iterdir()) == []


def test_what_is_slow_is_at_the_end() -> None:
    """Of a hundred observations the 50th, 90th and 99th, in milliseconds."""
    found = latency([number / 1000 for number in range(100, 0, -1)])
    assert (found.p50, found.p90, found.p99, found.max) == (50, 90, 99, 100)


def test_each_step_of_a_chat_is_done_as_in_a_server() -> None:
    """What is timed is what happens there: the frame is read, the chat is right, its members hear of it."""
    done = {name: do() for name, (_, do) in steps().items()}
    said = next(one for one in done.values() if isinstance(one, Chat))
    assert said.data.message == FILL
    entry = next(one for one in done.values() if isinstance(one, Entry))
    assert orjson.dumps(FILL) in entry.parts.text
    heard = next(one for one in done.values() if isinstance(one, Feed))
    assert [one.cursor for one in heard.subscriptions.values()] == [BATCH] * MEMBERS
