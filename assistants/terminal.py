"""Talking to an assistant in a terminal, without a server."""

import asyncio
import codecs
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Thread

from assistants.errors import NotApproved
from assistants.llm import ChatModel
from assistants.ports import Pages
from assistants.preparation import Ready
from assistants.rehearsal import Answer, Rehearsal

END = None
"""In place of a line: there are no more."""
READ = 65_536
"""Bytes read at a time: a line that is pasted."""
HELP = (
    "/stop stops an answer, /new begins a new room, /quit ends; a \\ at a line's end goes on with the next."
)


async def talk(ready: Ready, model: ChatModel, pages: Pages, person: str) -> None:
    """Take what is said from the standard input and answer it, until that ends or `/quit` is said."""
    terminal = Terminal(ready, model, pages, person)
    if model.configured:
        model.warm_up()
    try:
        await terminal.run()
    finally:
        await model.aclose()


class Terminal:
    """One conversation. Where the input is no terminal there are no prompts, only what is answered."""

    def __init__(self, ready: Ready, model: ChatModel, pages: Pages, person: str) -> None:
        self._ready = ready
        self._model = model
        self._pages = pages
        self._person = person
        self._typed = sys.stdin.isatty()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._waiting: list[str | None] = []
        self._deciding: asyncio.Future[str] | None = None
        self._attached: list[str] = []
        self._begun = False
        self._room = self._new_room()

    async def run(self) -> None:
        """Talk to the end."""
        loop = asyncio.get_running_loop()
        # A thread, because a file can not be waited for; a daemon, because nothing can end its reading.
        Thread(target=_read, args=(loop, self._lines), daemon=True).start()
        loop.add_signal_handler(signal.SIGINT, self._interrupted)
        if self._typed:
            print(f"You are talking to {self._ready.assistant.name}. {HELP}")
        async for said in self._said():
            match said.strip():
                case "":
                    continue
                case "/quit":
                    return
                case "/new":
                    self._room = self._new_room()
                case "/help":
                    print(HELP)
                case "/stop":
                    print("There is no answer to stop.")
                case words if words.startswith("/attach "):
                    self._attach(words.removeprefix("/attach ").strip())
                case words:
                    await self._say(words)

    async def _said(self) -> AsyncIterator[str]:
        """What is said: lines, joined where they end with a backslash."""
        said = ""
        while True:
            self._prompt("... " if said else f"{self._person}> ")
            line = self._waiting.pop(0) if self._waiting else await self._lines.get()
            if line is END:
                if said:
                    yield said
                return
            if line.endswith("\\"):
                said += line[:-1] + "\n"
                continue
            yield said + line
            said = ""

    async def _say(self, words: str) -> None:
        """One message and its answer; what is said meanwhile waits, but for `/stop`."""
        self._begun = False
        question = self._room.add(self._person, words, files=tuple(self._attached))
        self._attached = []
        answering = asyncio.create_task(self._room.answer(question, self._model))
        listening = asyncio.create_task(self._listen())
        try:
            answer = await answering
        finally:
            listening.cancel()
            answering.cancel()
            await asyncio.gather(listening, answering, return_exceptions=True)
        self._end(answer)

    async def _listen(self) -> None:
        while True:
            line = await self._lines.get()
            if line is not END and line.strip() == "/stop":
                self._room.stop(self._person)
            elif self._deciding is not None and not self._deciding.done():
                self._deciding.set_result(line or "")
            else:
                self._waiting.append(line)
            if line is END:
                return

    async def _decide(self, action: str, arguments: str) -> str:
        """Ask who sits here for an approval; nothing but a yes is one."""
        print(f"[{action} {arguments}: approve? y/n]", flush=True)
        self._deciding = asyncio.get_running_loop().create_future()
        if self._waiting:
            line = self._waiting.pop(0)
            self._deciding.set_result(line or "")
        if (await self._deciding).strip().casefold() not in ("y", "yes"):
            raise NotApproved(f"{self._person} has denied it.")
        return self._person

    def _attach(self, name: str) -> None:
        path = Path(name).expanduser()
        try:
            self._attached.append(self._room.files.add(path.name, path.read_bytes(), self._person))
        except OSError as error:
            print(f"[{error}]", flush=True)
        else:
            print(f"[{path.name} goes with what you say next]", flush=True)

    def _interrupted(self) -> None:
        if not self._room.stop(self._person):
            self._lines.put_nowait("/quit")

    def _new_room(self) -> Rehearsal:
        return Rehearsal(
            self._ready, [self._person], self._pages, hear=self._hear, see=self._see, decide=self._decide
        )

    def _hear(self, piece: str) -> None:
        if not self._begun:
            self._begun = True
            print(f"{self._ready.assistant.id}: ", end="")
        print(piece, end="", flush=True)

    def _see(self, words: str) -> None:
        print(f"[{words}]", flush=True)

    def _end(self, answer: Answer) -> None:
        """Say what was not said piece by piece: how it ended."""
        said = "".join(answer.pieces)
        if answer.state in ("silent", "asleep"):
            print(f"[{self._ready.assistant.name} stays silent]")
        else:
            rest = answer.text.removeprefix(said) if answer.text.startswith(said) else f"\n{answer.text}"
            self._hear(rest + "\n")
        for name, content in answer.files.items():
            print(f"[attached {name}]\n{content.decode(errors='replace')}")
        if answer.state == "stopped":
            print("[stopped]")
        for line in _cause(answer):
            print(line, file=sys.stderr)
        sys.stdout.flush()

    def _prompt(self, words: str) -> None:
        if self._typed:
            print(words, end="", flush=True)


def _cause(answer: Answer) -> Iterator[str]:
    """What the log would tell of a failure: here its reader is the one who asks."""
    error = answer.error
    while error is not None:
        yield f"[{type(error).__name__}: {error}]"
        error = error.__cause__


def _read(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[str | None]") -> None:
    """Read the standard input to its end; past `sys.stdin`, whose lock must be free when the process ends."""
    try:
        for line in _typed_lines():
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, END)
    except RuntimeError:
        return  # The loop is closed: the conversation is over.


def _typed_lines() -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    held = ""
    while content := os.read(0, READ):
        *whole, held = (held + decoder.decode(content)).split("\n")
        for line in whole:
            yield line.removesuffix("\r")
    if held:
        yield held
