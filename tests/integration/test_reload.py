"""Changing assistants.toml, or a file of the folder, while a worker answers."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from answers import finished
from model_server import Exchange, ModelServer
from processes import PRODUCTFLO, Spoken, environment, running
from redis.asyncio import Redis
from rooms import PATIENCE, TestRoom, listening, make_room, writing

from productflo.store.profiles import Profiles

TWO = """
[assistants.first]
prompt = "You are the first."
model = "old"
[assistants.second]
prompt = "You are the second."
"""
ANOTHER = """
[assistants.first]
prompt = "You are the first."
model = "new"
[assistants.third]
prompt = "You are the third."
"""
LIMITED = """
[assistants.first]
prompt = "You are the first."
limits = {{ at_once = {} }}
"""
ROUND = 1.0
"""Seconds in which a worker asks for a slot several times."""
ECHO = """
from assistants import Context, assistant

@assistant("first")
async def first(ctx: Context):
    yield f"{ctx.text}: one"
"""


class Bench:
    """A worker on a file and a folder of the test's own, a room, and the model that the worker asks."""

    def __init__(self, path: Path, worker: Spoken, server: ModelServer, room: TestRoom) -> None:
        self.file = path / "assistants.toml"
        self.worker = worker
        self.server = server
        self.room = room

    async def reads_again(self, content: str, says: str) -> None:
        """Change the file and tell the worker so."""
        self.file.write_text(content)
        self.worker.process.send_signal(signal.SIGHUP)
        await self.worker.says(says)

    async def asked(self, assistant: str, words: str, by: str = "ada") -> Exchange:
        """What the model is asked when somebody says this; two words of one person may be one question."""
        await self.room.say(by, f"@{assistant} {words}", wake=[assistant])
        return await self.server.asked(words)


@asynccontextmanager
async def bench(path: Path, redis: Redis, store_url: str, toml: str, **more: str) -> AsyncIterator[Bench]:
    """The worker is at work."""
    (path / "assistants.toml").write_text(toml)
    async with ModelServer() as server, writing(redis) as log:
        env = environment(
            path,
            REDIS_URL=store_url,
            OPENAI_BASE_URL=server.url,
            PRODUCTFLO_ASSISTANTS=" ",
            PRODUCTFLO_ASSISTANTS_FILE=str(path / "assistants.toml"),
            **more,
        )
        room = await make_room(
            redis, log, "lab", people=["ada", "bo"], assistants=["first", "second", "third"]
        )
        async with running(*PRODUCTFLO, "assistants", "run", env=env) as worker:
            await worker.says("Assistants at work: first")
            yield Bench(path, worker, server, room)


async def finish(exchange: Exchange, *pieces: str) -> None:
    await exchange.say(*pieces)
    await exchange.finish()


async def test_a_running_answer_ends_as_it_began(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """The next question is answered as the file says now; an assistant that went ends what it had begun."""
    async with bench(tmp_path, redis, store_url, TWO) as it, listening(redis, "lab") as heard:
        running_on = await it.asked("first", "one")
        going = await it.asked("second", "leave", by="bo")
        await it.reads_again(ANOTHER, "Assistants at work: first, third")
        await finish(running_on, "still ", "here")
        await heard.until(finished(1))
        await finish(going, "good-bye")
        await heard.until(finished(2))
        after = await it.asked("first", "two", by="bo")
        await finish(after, "newer")
        await heard.until(finished(3))
        came = await it.asked("third", "three")
        await finish(came, "hello")
        await heard.until(finished(4))
        answers = [(answer["sender"], answer["message"]) for answer in await it.room.answers()]
    assert (running_on.body["model"], after.body["model"]) == ("old", "new")
    assert answers == [
        ("first", "still here"),
        ("second", "good-bye"),
        ("first", "newer"),
        ("third", "hello"),
    ]


async def test_a_change_is_noticed(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """Nobody has to tell the worker; a file that can not be used changes nothing, and says why."""
    async with bench(tmp_path, redis, store_url, TWO) as it:
        it.file.write_text("[assistants.first")
        await it.worker.says("The assistants go on as they were: assistants.toml: ")
        it.file.write_text(ANOTHER)
        await it.worker.says("Assistants at work: first, third")
    assert sum("go on as they were" in line for line in it.worker.lines) == 1


async def test_what_breaks_goes_on_as_it_was(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """A slip in the table of one at work does not end it; a new one that is wrong is told as broken."""
    async with bench(tmp_path, redis, store_url, TWO) as it, listening(redis, "lab") as heard:
        await it.reads_again(
            ANOTHER.replace("model", "modl").replace('"You are the third."', "3"),
            "The assistant first goes on as it was: .*did you mean model",
        )
        await it.worker.says("The assistant third is disabled: .*prompt: Input should be a valid string")
        await it.worker.says("Assistants at work: first")
        exchange = await it.asked("first", "one")
        await finish(exchange, "yes")
        await heard.until(finished(1))
        profile = await Profiles(redis).find("third")
    assert exchange.body["model"] == "old"
    assert profile is not None
    assert profile.broken == "Its settings are not valid."


async def test_a_file_of_the_folder_is_run_again(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """Code that is changed counts for the next question."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "first.py").write_text(ECHO)
    more = {"PRODUCTFLO_ASSISTANTS_FOLDER": str(folder)}
    async with (
        bench(tmp_path, redis, store_url, "[assistants.first]", **more) as it,
        listening(redis, "lab") as heard,
    ):
        await it.room.say("ada", "@first hello", wake=["first"])
        await heard.until(finished(1))
        (folder / "first.py").write_text(ECHO.replace(": one", ": and two"))
        await it.worker.says("Assistants at work: first")
        await it.room.say("ada", "@first hello", wake=["first"])
        await heard.until(finished(2))
    assert [one["message"] for one in await it.room.answers()] == ["hello: one", "hello: and two"]


async def test_how_many_are_answered_at_once(tmp_path: Path, redis: Redis, store_url: str) -> None:
    """More at once at once; fewer as soon as what goes on has ended."""
    async with (
        bench(tmp_path, redis, store_url, LIMITED.format(1)) as it,
        listening(redis, "lab") as lab,
        listening(redis, "hall") as hall,
    ):
        other = await make_room(redis, it.room.log, "hall", assistants=["first"])
        one = await it.asked("first", "one")
        await other.say("ada", "@first two", wake=["first"])
        await lab.quiet(ROUND)
        assert len(it.server.exchanges) == 1
        await it.reads_again(LIMITED.format(2), "Assistants at work: first")
        two = await it.server.asked("two")
        await it.reads_again(LIMITED.format(1), "Assistants at work: first")
        await finish(one, "yes")
        await finish(two, "yes")
        await lab.until(finished(1))
        await hall.until(finished(1))
        async with asyncio.timeout(PATIENCE):  # What listened with a slot too many gives it back.
            while [held.split()[0] for held in await redis.hvals("slots:first")] != [b"1"]:
                await lab.quiet(0.05)
        three = await it.asked("first", "three")
        await other.say("ada", "@first four", wake=["first"])
        await lab.quiet(ROUND)
        assert len(it.server.exchanges) == 3
        await finish(three, "yes")
        await finish(await it.server.asked("four"), "yes")
