"""How much of a room an assistant reads, and what stands on its answer about it."""

import pytest
from asking import context, question

from assistants.messages import Message
from assistants.tokens import OF_A_MESSAGE, estimate


class Transcript:
    """Messages 1, 2, 3, ... before the question."""

    def __init__(self, *texts: str) -> None:
        self.messages = [
            Message(f"m{seq}", seq, "bo", text, "2026-06-01T12:00:00.000Z")
            for seq, text in enumerate(texts, start=1)
        ]

    async def before(self, seq: int, limit: int) -> list[Message]:
        """As the room's transcript."""
        found = [message for message in self.messages if message.seq < seq]
        return found[-limit:] if limit else []

    async def find(self, message_id: str) -> Message | None:
        """As the room's transcript."""
        return None


@pytest.mark.parametrize(
    ("limit", "tokens", "seqs", "cut"),
    [
        (50, None, [1, 2, 3, 4], False),
        (4, None, [1, 2, 3, 4], False),
        (2, None, [3, 4], True),
        (50, 2 * (1 + OF_A_MESSAGE), [3, 4], True),
        (50, 2 * (1 + OF_A_MESSAGE) - 1, [4], True),
        (50, 0, [], True),
        (0, None, [], True),
        (-1, None, [], True),
    ],
)
async def test_the_newest_that_fit(limit: int, tokens: int | None, seqs: list[int], cut: bool) -> None:
    """By number, by tokens; what was left out is told."""
    ctx = context(asked=question(seq=5), transcript=Transcript(*"abcd"))
    assert [message.seq for message in await ctx.history(limit, tokens=tokens)] == seqs
    told = ctx.receipt.context
    assert told is not None
    assert (told.from_seq, told.to_seq, told.cut) == (seqs[0] if seqs else 5, 5, cut)


async def test_several_readings_are_told_as_one() -> None:
    """From the first to the last of all."""
    ctx = context(asked=question(seq=5), transcript=Transcript(*"abcd"))
    await ctx.history()
    await ctx.history(1)
    told = ctx.receipt.context
    assert told is not None
    assert (told.from_seq, told.to_seq, told.cut) == (1, 5, True)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("four", 1), ("fünf", 2), ("設計", 2), ("\ud83d", 1)]
)
def test_tokens_are_bytes(text: str, tokens: int) -> None:
    """Four bytes of UTF-8 each, so that no script is counted too low by much."""
    assert estimate(text) == tokens
