"""How an answer that has come to its end is told: text and state of the final message."""

import logging
import secrets
from dataclasses import dataclass
from typing import Literal

from assistants.answering import Ending, Outcome
from assistants.errors import AssistantError, LimitReached
from productflo.protocol.inbound import MAX_TEXT
from productflo.store.runs import Begun

log = logging.getLogger(__name__)

MAX_TRIES = 3
"""The try at which an answer is closed with what was said: two have cost the model, and perhaps workers."""

State = Literal["done", "stopped", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The final message's text and state. `reference` stands in the text, and in the log with `error`."""

    text: str
    state: State
    stopped_by: str | None = None
    reference: str | None = None
    error: BaseException | None = None


def foregone(begun: Begun) -> Verdict | None:
    """How an answer ends that is not to be given, or not again; None for one that is."""
    if begun.stop:
        return stopped(begun.text, begun.stop)
    if begun.acted:
        return broken_off(begun.text)
    if begun.tries >= MAX_TRIES:
        return interrupted(begun.text)
    return None


def judge(outcome: Outcome, timeout: float) -> Verdict | None:
    """What to tell of an outcome; None for an assistant that stayed silent."""
    if outcome.ending is Ending.STOPPED:
        return stopped(outcome.text, outcome.stopped_by)
    if outcome.ending is Ending.DEADLINE:
        return _failed(outcome.text, f"I ran out of time after {timeout:g} seconds.", outcome.error)
    if outcome.ending is Ending.TOO_LONG:
        note = f"*(The answer is longer than the {MAX_TEXT:,} characters of a message.)*"
        return Verdict(_joined(outcome.text, note), "interrupted")
    if isinstance(outcome.error, LimitReached):
        return Verdict(_joined(outcome.text, f"*({outcome.error})*"), "failed", error=outcome.error)
    if isinstance(outcome.error, AssistantError):
        return _failed(outcome.text, str(outcome.error), outcome.error)
    if outcome.error is not None:
        return _failed(outcome.text, "Something went wrong in me.", outcome.error)
    return Verdict(outcome.text, "done") if outcome.text.strip() else None


def log_failure(verdict: Verdict, assistant: str, room: str) -> None:
    """Log what went wrong; what the room was told in its own words needs no trace of where it was said."""
    told = isinstance(verdict.error, AssistantError)
    log.error(
        "%s failed in %s, reference %s: %r",
        assistant,
        room,
        verdict.reference,
        verdict.error or "out of time",
        exc_info=verdict.error.__cause__ if told and verdict.error else verdict.error,
    )


def stopped(text: str, by: str | None) -> Verdict:
    """An answer that somebody stopped: what was said stays."""
    return Verdict(
        text if text.strip() else "*(Stopped before anything was said.)*", "stopped", stopped_by=by
    )


def interrupted(text: str) -> Verdict:
    """An answer that was begun too often: what was said stays."""
    note = "*(I was interrupted here, more than once. Please ask again.)*"
    return Verdict(_joined(text, note), "interrupted")


def broken_off(text: str) -> Verdict:
    """An answer that ended with its worker after it had acted: nothing is done twice."""
    note = "*(I was interrupted here, after I had begun to act. See what was done before you ask again.)*"
    return Verdict(_joined(text, note), "interrupted")


def _failed(text: str, words: str, error: BaseException | None) -> Verdict:
    reference = secrets.token_hex(4)
    note = f"*({words} Reference for the operator: {reference}.)*"
    return Verdict(_joined(text, note), "failed", reference=reference, error=error)


def _joined(text: str, note: str) -> str:
    return f"{text.rstrip()}\n\n{note}" if text.strip() else note
