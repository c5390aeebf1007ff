"""What an answer in pieces costs a large room, beside chats of the same bytes at the same rate.

Both are delivered by a web process that does nothing else: the people who chat are connected to another one,
as an assistant is to its worker. So the CPU time of a delivery is that of taking an event from the store's
channel and writing it to everybody. To take a chat in, which is left out, would make chats dearer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from benchmarks.at_work import AtWork, at_work
from benchmarks.crowd import Crowd, Failed, Load, Loaded, crowd
from benchmarks.our_server import STREAM, OurServer, answered_by
from benchmarks.outcome import Outcome, wait_until_quiet
from benchmarks.systems import FILL, System

TOKENS_PER_SECOND = 50.0
"""Of a model, each a piece for the worker, which gathers them."""
LINGER_SECONDS = 2.0
"""For which answers go on after the measurement, so that none ends within it."""
ONCE = Load(window=1, most=1, warm=0, seconds=30)
SAMPLE = Load(window=1, most=50, warm=0, seconds=30)
"""Chats from which is seen how many bytes one has beside its text."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A room of `members`, all of whom asked for pieces, in which as many assistants as `answers` write.

    Then one person says chats in it: as many a second as pieces were heard, each with the bytes of a piece.
    """

    name: str
    about: str
    members: int
    answers: int
    load: Load
    """How long to listen, with neither window nor rate."""
    for_peers: bool = False

    def measure(self, system: System) -> Outcome:
        """Ask, listen to the answers; chat, listen to the chats."""
        if not isinstance(system, OurServer):
            raise TypeError("Only this server has assistants.")
        assistants = [f"talker{number}" for number in range(1, self.answers + 1)]
        tokens = int((self.load.warm + self.load.seconds + LINGER_SECONDS) * TOKENS_PER_SECOND)
        with (
            at_work(system, assistants, 1, tokens, TOKENS_PER_SECOND) as work,
            work.server.beside(work.folder) as door,
            crowd(STREAM, work.running.port, work.running.processes, members=self.members) as room,
        ):
            wait_until_quiet(work.running)
            with self._guest(work, door, 0, FILL) as guest:
                sample = _come_back(guest.load(SAMPLE))
            with self._guest(work, door, 1, " ".join(f"@{name}" for name in assistants)) as guest:
                _come_back(guest.load(ONCE))
                pieces = room.load(self.load)
            if not pieces.delivered:
                raise Failed("no piece of an answer was heard")
            self._wait_for(assistants, work, door)
            text = _text(len(FILL) + round(_bytes(pieces) - _bytes(sample)))
            rate = pieces.delivered / pieces.seconds / self.members
            with self._guest(work, door, 2 + len(assistants), text) as guest:
                guest.begin(Load(rate=rate, seconds=self.load.seconds + LINGER_SECONDS))
                chats = room.load(self.load)
                _come_back(guest.end())
            return Outcome(room.joined, pieces, baseline=chats)

    def _wait_for(self, assistants: Sequence[str], work: AtWork, door: int) -> None:
        """Return when all answers are over: a last word, which is the whole answer, is no piece."""
        for number, assistant in enumerate(assistants):
            watched, first = work.running.processes, self.members + 2 + number
            with crowd(answered_by(assistant), door, watched, members=1, first=first):
                pass

    @contextmanager
    def _guest(self, work: AtWork, door: int, number: int, text: str) -> Iterator[Crowd]:
        """One more person, at another process, who says a text, once the server has nothing left to do."""
        dialect = replace(STREAM, say=STREAM.say.replace(FILL, text))
        watched, first = work.running.processes, self.members + number
        with crowd(dialect, door, watched, members=1, first=first) as guest:
            wait_until_quiet(work.running)
            yield guest


def _come_back(said: Loaded) -> Loaded:
    """What was said was heard; pieces that were heard as well count as more. Raises `Failed`."""
    if said.errors or said.missing > 0:
        raise Failed(f"{said.errors} messages of a guest were refused, {said.missing} did not come back")
    return said


def _text(length: int) -> str:
    """So many characters, as people write."""
    return (FILL * (length // len(FILL) + 1))[:length]


def _bytes(loaded: Loaded) -> float:
    """Of a frame, on average."""
    return loaded.bytes / loaded.delivered
