"""Finding assistants in installed packages, and keeping a broken one apart from the others."""

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistants.registry import Registry, Selection

GOOD = """
from collections.abc import AsyncIterator
from pydantic import BaseModel
from assistants import Context, assistant

class Tone(BaseModel):
    volume: int = 3

@assistant("parrot", settings=Tone)
async def parrot(ctx: Context[Tone]) -> AsyncIterator[str]:
    yield ctx.text

plain = 42
"""


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path, where installed packages lie."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        del sys.modules[module]


def load(names: list[str], environ: dict[str, str], file: Path | None = None) -> Registry:
    """What a worker has, of these names."""
    return Selection(tuple(names), file, environ=environ).load()


def install(folder: Path, package: str, entries: str, source: str = "") -> None:
    """A package as pip leaves it: a module, and what it offers."""
    (folder / f"{package}.py").write_text(source)
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[productflo.assistants]\n{entries}\n")


def test_the_built_in_assistants_load() -> None:
    """Both that ship are found by their entry points."""
    loaded = load(["guide", "haitch"], {})
    assert (set(loaded.ready), loaded.broken) == ({"guide", "haitch"}, {})


def test_settings_come_from_the_environment(offer: Path) -> None:
    """Each field by its variable, validated; an empty one counts as unset."""
    install(offer, "parrots", "parrot = parrots:parrot", GOOD)
    assert load(["parrot"], {"PRODUCTFLO_PARROT_VOLUME": "7"}).ready["parrot"].settings.volume == 7  # type: ignore[attr-defined]
    assert load(["parrot"], {"PRODUCTFLO_PARROT_VOLUME": ""}).ready["parrot"].settings.volume == 3  # type: ignore[attr-defined]


def test_only_what_is_named_is_imported(offer: Path) -> None:
    """An installed package that the operator did not name does not run."""
    install(offer, "parrots", "parrot = parrots:parrot", GOOD)
    load([], {})
    assert "parrots" not in sys.modules


@pytest.mark.parametrize(
    ("entries", "source", "environ", "told"),
    [
        ("parrot = parrots:parrot", "raise RuntimeError('no licence')", {}, "no licence"),
        ("parrot = parrots:parrot", "raise SystemExit(3)", {}, r"SystemExit\(3\)"),
        ("parrot = parrots:gone", GOOD, {}, "gone"),
        ("parrot = parrots:plain", GOOD, {}, "not made with @assistant"),
        ("other = parrots:parrot", GOOD, {}, "no installed package offers it.*other"),
        ("parrot = parrots:parrot", GOOD, {"PRODUCTFLO_PARROT_VOLUME": "loud"}, "PRODUCTFLO_PARROT_VOLUME"),
    ],
)
def test_a_broken_one_disables_itself_only(
    offer: Path,
    caplog: pytest.LogCaptureFixture,
    entries: str,
    source: str,
    environ: dict[str, str],
    told: str,
) -> None:
    """The reason is told and logged; the others are loaded."""
    install(offer, "parrots", entries, source)
    with caplog.at_level(logging.ERROR):
        loaded = load(["parrot", "guide"], environ)
    assert set(loaded.ready) == {"guide"}
    _matches(told, loaded.broken["parrot"])
    _matches("The assistant parrot is disabled", caplog.text)


def test_an_entry_point_must_be_named_after_its_assistant(offer: Path) -> None:
    """Else the operator's list and the room would name two different things."""
    install(offer, "parrots", "bird = parrots:parrot", GOOD)
    loaded = load(["bird"], {})
    assert (set(loaded.ready), set(loaded.broken)) == (set(), {"bird"})
    _matches("has the id 'parrot'", loaded.broken["bird"])


def test_two_packages_with_the_same_assistant_are_refused(offer: Path) -> None:
    """Neither is taken, and both are named."""
    install(offer, "parrots", "parrot = parrots:parrot", GOOD)
    install(offer, "macaws", "parrot = macaws:parrot", GOOD)
    loaded = load(["parrot"], {})
    assert (set(loaded.ready), set(loaded.broken)) == (set(), {"parrot"})
    _matches(r"macaws 1\.0, parrots 1\.0", loaded.broken["parrot"])


def _matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text), text
