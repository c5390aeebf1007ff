"""A storm of a few seconds, so that `./run storm` always works; the long ones are its own."""

import json
from pathlib import Path

from faults.conftest import World
from storm.habits import Habits
from storm.report import Report
from storm.weather import Plan, weather

PLAN = Plan(
    seed=1,
    faults={"kill-worker": 1, "kill-store": 1, "cut-bus": 1, "race": 1},
    people=8,
    habits=Habits(pause=0.02, tick=0.02),
    between=30,
    longest_pause=0.1,
)


def test_a_short_storm(world: World, tmp_path: Path) -> None:
    """Two servers, a store that dies, a process that dies, a bus that is cut, and one id sent 1,000 times."""
    outcome = world.runner.run(weather(world.deployment, PLAN))
    report = Report("test", "today", "own", PLAN, outcome)
    assert report.passed, str(report)
    race = next(one for one in outcome.results if one.room.startswith("race"))
    assert (race.logged, race.sent_again) == (1, 999)
    report.save(tmp_path / "report.json")
    saved = json.loads((tmp_path / "report.json").read_bytes())
    assert saved["plan"]["seed"] == PLAN.seed
    assert {one["room"] for one in saved["outcome"]["results"]} == {one.room for one in outcome.results}
    assert all(column in str(report) for column in ("lost", "doubled", "out of order", "unexplained holes"))
