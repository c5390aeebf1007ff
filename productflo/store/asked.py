"""What an assistant is asked in a room, as its run in the store knows it."""

from dataclasses import dataclass
from typing import Any, Self

import orjson


@dataclass(frozen=True, slots=True)
class Again:
    """A request `by` somebody for an answer anew; what stood in the log up to `at` comes before it.

    `stop` names who took it back, if anybody did: it is not to be answered.
    """

    answer: str
    by: str
    at: int
    stop: str | None = None

    @property
    def name(self) -> str:
        """The question's, as long as it is not answered."""
        return f"again:{self.answer}"


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A question to which others that heard it were `silent`, so that this listener is asked.

    `seqs` are those of its messages, `by` who said them. What stood in the log up to `at` comes before it.
    `stop` names who took it back, if anybody did: it is not to be answered.
    """

    seqs: tuple[int, ...]
    by: str
    at: int
    silent: tuple[str, ...]
    stop: str | None = None

    @property
    def name(self) -> str:
        """The question's, as long as it is not answered."""
        return f"passed:{self.seqs[0]}"


AskedAgain = Again | PassedOn
"""What stands beside the log, to be asked though the cursor is past it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What an answer is begun for.

    `name` is the question's as long as it is not answered; `seqs` are those of its messages, `asker` who said
    them or wants the answer anew, and `regenerates` the answer that is to be given anew, if it is that.
    """

    name: str
    seqs: tuple[int, ...]
    asker: str
    regenerates: str | None = None

    @classmethod
    def again(cls, again: AskedAgain, seqs: tuple[int, ...]) -> Self:
        """For what is asked again."""
        return cls(again.name, seqs, again.by, again.answer if isinstance(again, Again) else None)


@dataclass(frozen=True, slots=True)
class Silence:
    """That nothing is said to a question: under `message_id`, to the messages `seqs` of `asker`.

    The cursor moves to `end`. `silent` are all who have been asked, in order.
    """

    message_id: str
    seqs: tuple[int, ...]
    asker: str
    end: int
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits beside the log: seqs of questions that were withdrawn, and what is to be asked again."""

    withdrawn: frozenset[int]
    again: tuple[AskedAgain, ...]

    @classmethod
    def read(cls, withdrawn: bytes | str | None, again: bytes | str | None) -> Self:
        """From the fields of those names in a run; None for a field that is not there."""
        return cls(
            frozenset(orjson.loads(withdrawn or b"[]")), tuple(map(_again, orjson.loads(again or b"[]")))
        )


def _again(one: dict[str, Any]) -> AskedAgain:
    if "answer" in one:
        return Again(**one)
    return PassedOn(**one | {"seqs": tuple(one["seqs"]), "silent": tuple(one["silent"])})
