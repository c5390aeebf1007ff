"""How a client behaves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """Times are seconds; `insists`, `repeats`, `leaves`, `revises` and `abandons` are chances."""

    window: int = 4
    """Operations sent ahead of their acknowledgement."""
    pause: float = 0.2
    """Between two of its own, on average."""
    tick: float = 0.05
    """Between two looks at what is due."""
    answer: float = 8.0
    """Until what was not answered is sent again; more than the server takes to say UNCONFIRMED."""
    connecting: float = 5.0
    """For an attempt to connect; a stopped process accepts and says nothing."""
    back_off: float = 0.3
    """Before the next attempt, on average; it doubles up to eight times that."""
    hurry: float = 2.0
    """The most that a client waits of the server's `retry_after`."""
    insists: float = 0.02
    """To send something twice in a row, as one does who presses the button again."""
    repeats: float = 0.02
    """To send instead something old that was acknowledged long ago, as one does who has lost the answer."""
    leaves: float = 0.02
    """In a second, to drop its connection without a word, as a phone in a tunnel does."""
    revises: float = 0.25
    """That the next word is no message but an edit, a deletion or a reaction."""
    abandons: float = 0.05
    """After a refusal, to give up what the server said it had not written."""
