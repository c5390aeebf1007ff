"""assistants.toml and the folder: what they name, what counts over what, what is told of mistakes."""

import re
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from assistants.configuration import Misconfigured
from assistants.personas import Persona
from assistants.preparation import Ready
from assistants.registry import Registry, Selection

DESIGN = """
# assistants.toml: a persona without code
[assistants.reviewer]
name   = "Reviewer"
prompt = "You review hardware designs, calmly. At most five sentences."
model  = "gpt-5-mini"                     # any OpenAI-compatible server through OPENAI_BASE_URL
on     = ["mention", "direct", "reply"]
limits = { timeout = 60, per_room = "10/min", tokens_per_day = 200000, max_hops = 1 }
"""

PARROT = """
from collections.abc import AsyncIterator
from pydantic import BaseModel
from assistants import Context, assistant

class Tone(BaseModel):
    volume: int = 3
    model: str = "small"

@assistant("parrot", settings=Tone, limits={"timeout": 5, "max_hops": 2})
async def parrot(ctx: Context[Tone]) -> AsyncIterator[str]:
    yield ctx.text
"""


class Place:
    """A folder of an operator: the file, and files of assistants."""

    def __init__(self, path: Path) -> None:
        self.file = path / "assistants.toml"
        self.folder = path / "own"
        self.folder.mkdir()

    def selection(self, *named: str, **environ: str) -> Selection:
        return Selection(named, self.file if self.file.exists() else None, self.folder, environ)

    def load(self, toml: str = "", *named: str, **environ: str) -> Registry:
        if toml:
            self.file.write_text(toml)
        return self.selection(*named, **environ).load()

    def one(self, toml: str, **environ: str) -> Ready:
        registry = self.load(toml, **environ)
        assert not registry.broken
        (ready,) = registry.ready.values()
        return ready


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty one, where no assistants.toml of the checkout counts."""
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def settings(ready: Ready) -> Persona:
    assert isinstance(ready.settings, Persona)
    return ready.settings


def value(settings: BaseModel, name: str) -> object:
    return getattr(settings, name)


def test_the_example_of_the_design(place: Place) -> None:
    """It works as printed."""
    ready = place.one(DESIGN)
    assistant, limits = ready.assistant, ready.assistant.limits
    assert (assistant.id, assistant.name, sorted(assistant.on)) == (
        "reviewer",
        "Reviewer",
        ["direct", "mention", "reply"],
    )
    assert (limits.timeout, str(limits.per_room), limits.tokens_per_day, limits.max_hops) == (
        60,
        "10/min burst 10",
        200000,
        1,
    )
    assert settings(ready).model == "gpt-5-mini"
    assert settings(ready).prompt.startswith("You review hardware designs")


def test_a_prompt_is_enough(place: Place) -> None:
    """Everything else has a default, and `[defaults]` gives others."""
    assert settings(place.one('[assistants.a]\nprompt = "Hi."')).model == "gpt-5-mini"
    ready = place.one(
        '[defaults]\nmodel = "local"\nhistory = 5\nlimits = { timeout = 9, max_hops = 1 }\non = ["mention"]\n'
        '[assistants.a]\nprompt = "Hi."\nlimits = { timeout = 7 }'
    )
    assert (settings(ready).model, settings(ready).history) == ("local", 5)
    assert (ready.assistant.limits.timeout, ready.assistant.limits.max_hops) == (7, 1)
    assert ready.assistant.on == {"mention"}


def test_a_room_may_have_another_one(place: Place) -> None:
    """What its table does not say is as everywhere."""
    ready = place.one(
        '[assistants.a]\nprompt = "Hi."\nmodel = "small"\nlimits = { timeout = 7, max_hops = 1 }\n'
        '[assistants.a.rooms."team:lab"]\nmodel = "large"\nlimits = { timeout = 70 }'
    )
    lab = ready.in_room("team:lab")
    assert (settings(lab).model, settings(lab).prompt) == ("large", "Hi.")
    assert (lab.assistant.limits.timeout, lab.assistant.limits.max_hops) == (70, 1)
    assert settings(ready.in_room("other")).model == "small"


def test_settings_of_an_assistant_with_code(place: Place) -> None:
    """By its own model; the environment counts over the file, the file over `[defaults]` and the author."""
    (place.folder / "birds.py").write_text(PARROT)
    ready = place.one('[defaults]\nmodel = "local"\n[assistants.parrot]\nname = "Polly"')
    assert (ready.assistant.name, value(ready.settings, "model"), value(ready.settings, "volume")) == (
        "Polly",
        "local",
        3,
    )
    assert (ready.assistant.limits.timeout, ready.assistant.limits.max_hops) == (5, 2)
    toml = '[assistants.parrot]\nsettings = { volume = 7, model = "mine" }\nlimits = { timeout = 50 }'
    ready = place.one(toml, PRODUCTFLO_PARROT_MODEL="theirs")
    assert (value(ready.settings, "model"), value(ready.settings, "volume")) == ("theirs", 7)
    assert (ready.assistant.limits.timeout, ready.assistant.limits.max_hops) == (50, 2)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[assistants", "assistants.toml: Expected"),
        ("[asistants.a]", "assistants.toml: asistants is not known; did you mean assistants?"),
        ("assistants = 3", r"assistants must be tables, such as \[assistants.reviewer\]"),
        (
            '[defaults]\nmodell = "x"',
            r"assistants.toml \[defaults\]: modell is not known; did you mean model?",
        ),
    ],
)
def test_a_file_that_can_not_be_used(place: Place, toml: str, told: str) -> None:
    """As a whole: nothing of it counts, and it says why."""
    with pytest.raises(Misconfigured, match=told):
        place.load(toml)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('promt = "Hi."', r"assistants.toml \[assistants.a\]: promt is not known; did you mean prompt?"),
        ('prompt = ""', r"prompt: String should have at least 1 character"),
        ("prompt = 3", r"prompt: Input should be a valid string"),
        ('prompt = "Hi."\non = ["mentions"]', "on knows direct, mention, reply, not 'mentions'"),
        ('prompt = "Hi."\nlimits = { timout = 3 }', "limits.timout is not known; did you mean timeout?"),
        ('prompt = "Hi."\nlimits = { per_room = "10" }', 'limits.per_room must be such as "5/s"'),
        ('prompt = "Hi."\nhistory = 900', "history: Input should be less than or equal to 200"),
        ('prompt = "Hi."\nname = " "', "the name needs 1 to 80"),
        ('prompt = "Hi."\nsettings = { x = 1 }', "settings are for an assistant with code"),
        ('model = "x"', r"no installed package offers it.*\(a persona needs a prompt\)"),
        ('prompt = "Hi."\nrooms.lab.modl = "x"', "rooms.lab.modl is not known; did you mean model?"),
        ('prompt = "Hi."\nrooms.lab.history = 900', r'rooms."lab".history: Input should be less'),
    ],
)
def test_a_wrong_table_disables_its_assistant_alone(place: Place, table: str, told: str) -> None:
    """The reason names the place and what to write; the room hears less."""
    registry = place.load(f'[assistants.a]\n{table}\n[assistants.b]\nprompt = "Hi."')
    assert set(registry.ready) == {"b"}
    assert re.search(told, registry.broken["a"]), registry.broken["a"]
    assert registry.told["a"] in ("Its settings are not valid.", "It is not installed.")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("settings = { volme = 3 }", "settings.volme is not known; did you mean volume?"),
        ('settings = { volume = "loud" }', "settings.volume: Input should be a valid integer"),
        ('model = "x"', r"model: that is for a persona; parrot has code, and takes settings = \{...\}"),
        (
            'prompt = "Hi."',
            r"more than one place offers it: assistants.toml \(it has a prompt there\), .*birds",
        ),
    ],
)
def test_a_wrong_table_of_an_assistant_with_code(place: Place, table: str, told: str) -> None:
    """What its own model does not take is told by its place, and so is what only a persona takes."""
    (place.folder / "birds.py").write_text(PARROT)
    registry = place.load(f"[assistants.parrot]\n{table}")
    assert re.search(told, registry.broken["parrot"]), registry.broken["parrot"]


def test_only_what_is_named_of_a_folder_is_run(place: Place) -> None:
    """Its files are read for what they offer; one runs when something of it is named."""
    (place.folder / "crows.py").write_text(PARROT)
    (place.folder / "danger.py").write_text(PARROT.replace("parrot", "danger") + "\nraise SystemExit(3)\n")
    assert {offer.id for offer in place.selection().offers()} >= {"parrot", "danger", "guide"}
    assert not place.load().ready
    assert "productflo_assistants_folder.crows" not in sys.modules
    registry = place.load("", "parrot", "danger")
    assert set(registry.ready) == {"parrot"}
    assert "SystemExit(3)" in registry.broken["danger"]


def test_a_file_with_two_assistants(place: Place) -> None:
    """Each is found by its own name."""
    (place.folder / "aviary.py").write_text(PARROT + PARROT.replace("parrot", "macaw"))
    registry = place.load("", "macaw", "parrot")
    assert {name: ready.assistant.id for name, ready in registry.ready.items()} == {
        "macaw": "macaw",
        "parrot": "parrot",
    }


def test_a_folder_and_a_package_with_the_same_assistant(place: Place) -> None:
    """Neither is taken, and both are named."""
    (place.folder / "mine.py").write_text(PARROT.replace("parrot", "guide"))
    registry = place.load("", "guide")
    assert re.search("productflo-chat .*, .*mine.py", registry.broken["guide"]), registry.broken["guide"]


def test_a_file_that_does_not_parse(place: Place) -> None:
    """Its reason is the syntax error, and other files are not concerned."""
    (place.folder / "birds.py").write_text(PARROT)
    (place.folder / "torn.py").write_text("async def torn(")
    registry = place.load("", "parrot", "torn")
    assert set(registry.ready) == {"parrot"}
    assert "torn.py" in registry.broken["torn"]


def test_what_is_named_and_not_there(place: Place, tmp_path: Path) -> None:
    """A file or folder of the settings that is missing is told by its variable."""
    with pytest.raises(Misconfigured, match="PRODUCTFLO_ASSISTANTS_FILE: there is no file"):
        Selection((), tmp_path / "gone.toml").load()
    with pytest.raises(Misconfigured, match=r"PRODUCTFLO_ASSISTANTS_FOLDER: .*gone"):
        Selection((), None, tmp_path / "gone").load()


def test_reading_again(place: Place) -> None:
    """What can not be loaded any more goes on as it was; a changed file of the folder is run again."""
    (place.folder / "birds.py").write_text(PARROT)
    place.file.write_text('[assistants.parrot]\n[assistants.a]\nprompt = "One."')
    selection = place.selection()
    first = selection.load()
    before = selection.fingerprint()
    place.file.write_text(
        '[assistants.parrot]\nsettings = { volume = "loud" }\n[assistants.b]\nprompt = "Two."'
    )
    (place.folder / "birds.py").write_text(PARROT.replace("volume: int = 3", "volume: int = 30"))
    assert selection.fingerprint() != before
    second = selection.reload(first)
    assert set(second.ready) == {"parrot", "b"}
    assert second.ready["parrot"] is first.ready["parrot"]
    place.file.write_text("[assistants.parrot]")
    assert value(selection.reload(second).ready["parrot"].settings, "volume") == 30


def test_a_plain_function_in_the_folder_is_told_as_such(place: Place) -> None:
    """Who forgets `async` hears of it, and not that no file offers the assistant."""
    (place.folder / "birds.py").write_text(
        'from assistants import assistant\n\n\n@assistant("parrot")\ndef parrot(ctx):\n    yield "Hello"\n'
    )
    registry = place.load("", "parrot")
    assert re.search("must be async: `async def parrot", registry.broken["parrot"]), registry.broken["parrot"]
