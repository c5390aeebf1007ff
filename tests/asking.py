"""A context for tests of what an assistant is given, without a worker; parts that are not given refuse."""

import logging
from typing import Any

from assistants.context import Context, NoSettings
from assistants.messages import Member, Message
from assistants.ports import Model
from assistants.receipt import Receipt

ADA = Member("ada", "Ada", "human", "online")
BO = Member("bo", "Bo", "human", "online")
ECHO = Member("echo", "Echo", "assistant", "online")


class _Refuses:
    """Stands for what a test does not use."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"this test has no {name}")


def question(text: str = "why?", *, seq: int = 9, **more: Any) -> Message:
    """A message of Ada's."""
    return Message("msg_q", seq, "ada", text, "2026-06-01T12:00:00.000Z", **more)


def context(model: Model | None = None, *, asked: Message | None = None, **parts: Any) -> Context[NoSettings]:
    """A context with the parts that a test names: `transcript`, `documents`, `kept`, `approver`."""
    message = asked or question()
    kinds = ("transcript", "documents", "kept", "approver", "pages", "attachments")
    return Context(
        text=message.text,
        message=message,
        room="lab",
        me=ECHO,
        asker=ADA,
        members=(ADA, BO, ECHO),
        settings=NoSettings(),
        log=logging.getLogger("assistant.echo"),
        receipt=parts.get("receipt") or Receipt(),
        _model=model or _Refuses(),
        **{f"_{kind}": parts.get(kind) or _Refuses() for kind in kinds},
    )
