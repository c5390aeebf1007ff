"""The right to stay silent: where one of several that listen has nothing to say, the next is asked."""

from assistants.questions import Question
from assistants.services import Services
from productflo.domain.waking import Listens
from productflo.store.asked import Silence
from productflo.store.runs import Lease


async def pass_on(services: Services, lease: Lease, question: Question, message_id: str) -> None:
    """Deal with a question by saying nothing under the id of the answer that was begun.

    The first by id that listens to everything and has not been asked yet is asked next. Raises `LeaseLost`.
    """
    seqs = tuple(one.seq for one in question.messages)
    silent = (*question.silent, lease.assistant)
    listening = await services.rooms.assistants(lease.room)
    left = sorted(one for one, word in listening.items() if word == Listens.ALL and one not in silent)
    silence = Silence(message_id, seqs, question.asker, question.end, silent)
    if listener := await services.runs.pass_on(lease, silence, left):
        services.chat.wakeups.wake([listener], lease.room)
