"""This server, on its whole path: membership, dedupe, log and acknowledgements, in the embedded Valkey."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.crowd import Dialect, Failed
from benchmarks.machine import OTHER_CORE, SERVER_CORE, children_of, command_of, elsewhere, move, on_core
from benchmarks.systems import FILL, Running, free_port, process

NAME = "ProductFlo chat"
HERE = Path(__file__).parents[1]
FOREIGN = ("PRODUCTFLO_", "OPENAI_", "REDIS_URL")
SETTINGS = {
    "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
    "PRODUCTFLO_MAX_CONNECTIONS": "20000",
    "PRODUCTFLO_RATE_CHATS": "off",
    "PRODUCTFLO_RATE_CONNECTION": "off",
    "PRODUCTFLO_RATE_HISTORIC": "off",
}
"""What is not as an operator finds it: no assistant in the rooms, more connections than one process takes
else, and no rate limits on a user and a connection, since a few clients stand for many. All else is the
default, `durability=safe` (an acknowledged message is on the disk) above all."""

_JOIN = '{"code":"join","user_id":"u%i","room_id":"r%r","data":{}}'
CHAT = (
    '{"code":"chat","user_id":"u%i","room_id":"r%r","timestamp":"2026-11-28T07:00:00.000Z",'
    f'"data":{{"message":"%m {FILL}","sender":"u%i","message_id":"m%i-%n"}}}}'
)

_JOINED = ('"last_seq"', "")
_PAGE = (
    '{"code":"historic","user_id":"u%i","room_id":"r%r","request_id":"%m",'
    '"data":{"conversation_id":"r%r","limit":50,"before":501}}'
)
DIALECT = Dialect("/ws", (("", _JOIN), _JOINED), CHAT)
RESUME = Dialect("/ws", (("", _JOIN.replace("{}", '{"since":0}')), _JOINED), CHAT)
"""Coming back without having seen anything of what was said since."""
STREAM = Dialect(
    "/ws",
    (("", _JOIN.replace("{}", '{"stream":true}').replace("r%r", "asking%r")), _JOINED),
    CHAT.replace("r%r", "asking%r"),
)
"""Asking an assistant in a room of one's own, and hearing its answer in pieces."""
HISTORIC = Dialect("/ws", (("", _JOIN), _JOINED), _PAGE)
"""Asking for pages of history; the mark is in the `request_id`, which comes back before the page."""


def answered_by(assistant: str) -> Dialect:
    """Joining where `STREAM` asks, which is over when the assistant's whole answer has come, or was there."""
    join = _JOIN.replace("{}", '{"since":0}').replace("r%r", "asking%r")
    answer = f'"code":"chat_response","user_id":"{assistant}"'
    return Dialect("/ws", (("", join), _JOINED, (answer, "")), CHAT)


@dataclass(frozen=True, slots=True)
class OurServer:
    """The server of a checkout, which has its own .venv (`./run setup`)."""

    name: str = NAME
    checkout: Path = HERE
    workers: int = 1
    cores: tuple[int, ...] = (SERVER_CORE, OTHER_CORE)
    """What the web processes are placed on, in turn."""
    settings: Mapping[str, str] = field(default_factory=dict)
    dialect: Dialect = DIALECT

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """Web processes on `cores`, everything else on the other core."""
        port = free_port()
        env = self._environment(folder) | {"PRODUCTFLO_PORT": str(port)}
        command = on_core(SERVER_CORE, *self._command("serve"))
        with process(command, folder / "log", r"Running on http", env, self.checkout) as parent:
            yield Running(port, _placed(parent.pid, folder / "data", self.cores))

    @contextmanager
    def beside(self, folder: Path) -> Iterator[int]:
        """Another web process of the server that runs on the same folder, on the other core: its port."""
        port = free_port()
        env = self._environment(folder) | {"PRODUCTFLO_PORT": str(port), "PRODUCTFLO_WORKERS": "1"}
        command = elsewhere(*self._command("serve"))
        with process(command, folder / "beside.log", r"Running on http", env, self.checkout):
            yield port

    @contextmanager
    def worker(self, folder: Path) -> Iterator[int]:
        """A worker for assistants of the server that runs on the same folder: its process id."""
        command = elsewhere(*self._command("assistants", "run"))
        env = self._environment(folder)
        with process(command, folder / "worker.log", "Assistants at work", env, self.checkout) as worker:
            yield worker.pid

    def _command(self, *words: str) -> tuple[str, ...]:
        python = self.checkout / ".venv" / "bin" / "python"
        if not python.exists():
            raise Failed(f"{self.checkout} is not set up: call ./run setup there")
        return (str(python), "-m", "productflo.cli", *words)

    def _environment(self, folder: Path) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        env |= {"PRODUCTFLO_DATA_DIR": str(folder / "data"), "PRODUCTFLO_WORKERS": str(self.workers)}
        return {**env, **SETTINGS, **self.settings}


def _placed(parent: int, data: Path, cores: Sequence[int]) -> dict[str, int]:
    """Move web processes to `cores`, and what is none to the other core; returns what is to be watched."""
    holder = json.loads((data / "store.lock").read_text())
    for pid in (parent, holder["keeper"], holder["server"]):
        move(pid, OTHER_CORE)
    web = [child for child in children_of(parent) if "serve --fd" in command_of(child)]
    for number, pid in enumerate(web):
        move(pid, cores[number % len(cores)])
    names = ["server", *(f"server{number}" for number in range(2, len(web) + 1))]
    return dict(zip(names, web, strict=True)) | {"store": holder["server"]}


UNFLUSHED = OurServer(f"{NAME}, `fast`", settings={"PRODUCTFLO_DURABILITY": "fast"})
"""It waits for no disk: beside it shows what that takes."""
