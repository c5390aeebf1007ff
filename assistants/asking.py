"""Asking the people of a room whether an action may be done."""

import unicodedata
from dataclasses import dataclass

from assistants.errors import NotApproved
from assistants.receipt import Receipt
from productflo.errors import Conflict
from productflo.protocol.messages import Decided
from productflo.service.approvals import Approvals
from productflo.store.approvals import Action, Decision

MOST_ACTION = 300
"""Characters of what is asked for, in words."""
MOST_ARGUMENTS = 4000
"""Characters of its arguments: whoever approves them has to read them all."""
NOTED = 1000
"""Characters of its arguments that the finished answer repeats."""
LONGEST = 3600.0
"""Seconds that may be waited for a person."""


@dataclass(frozen=True, slots=True)
class RoomApprover:
    """Asks in one room, for one question, within one answer."""

    approvals: Approvals
    receipt: Receipt
    room: str
    assistant: str
    asker: str
    message_id: str
    run_id: str
    reply_to: str

    async def ask(self, action: str, arguments: str, seconds: float) -> str:
        """See `Approver.ask`."""
        arguments = _visible(arguments)
        if len(arguments) > MOST_ARGUMENTS:
            raise NotApproved(f"The arguments have more than {MOST_ARGUMENTS:,} characters to approve.")
        asked = Action(
            room=self.room,
            assistant=self.assistant,
            asker=self.asker,
            action=_visible(action)[:MOST_ACTION],
            arguments=arguments,
            message_id=self.message_id,
            run_id=self.run_id,
            reply_to=self.reply_to,
        )
        seconds = max(1.0, min(seconds, LONGEST))
        try:
            with self.receipt.waiting_for_a_person():
                decision, by = await self.approvals.ask(asked, seconds)
        except Conflict as error:
            raise NotApproved(error.message) from error
        self.receipt.approvals.append(
            Decided(
                action=asked.action,
                arguments=asked.arguments[:NOTED],
                decision=decision.value,
                decided_by=by,
            )
        )
        if decision is Decision.DENIED:
            raise NotApproved(f"{by} has denied it.")
        if decision is Decision.EXPIRED or by is None:
            raise NotApproved("Nobody approved it in time.")
        return by


def _visible(text: str) -> str:
    """The text with what shows nothing, or turns the reading direction, as an escape that can be seen."""
    return "".join(
        f"\\u{ord(one):04x}" if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") else one for one in text
    )
