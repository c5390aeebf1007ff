"""Approving what an assistant wants to do: who may, when, how often, and what it is bound to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import orjson
import pytest
from chatting import Server
from redis.asyncio import Redis
from rooms import Listener, listening, make_room, writing

from assistants.asking import MOST_ARGUMENTS, RoomApprover
from assistants.errors import NotApproved
from assistants.receipt import Receipt
from productflo.domain.identity import Identity
from productflo.errors import Conflict, NotFound, PermissionDenied
from productflo.service.approvals import Approvals
from productflo.service.clock import system_clock
from productflo.store.approvals import MOST_OPEN, Action, ApprovalStore, Decision
from productflo.store.bus import Bus
from productflo.store.events import Live, RoomEvent
from productflo.store.keys import RoomKeys

SERVICE_KEY = "a-service-key-for-tests"
ACTION = Action(
    room="lab",
    assistant="echo",
    asker="ada",
    action="order: Order a part.",
    arguments='{"count":40,"part":"bracket"}',
    message_id="msg_1",
    run_id="msg_1.1",
    reply_to="msg_q",
)


@pytest.fixture
async def store(redis: Redis) -> ApprovalStore:
    """Of a room that Cleo made, with Ada, who asks, Bo, and the assistants echo and scribe."""
    async with writing(redis) as log:
        await make_room(redis, log, "lab", people=["cleo", "ada", "bo"], assistants=["echo", "scribe"])
        await make_room(redis, log, "other", people=["ada", "dan"], assistants=["echo"])
    return ApprovalStore(redis)


async def settled(store: ApprovalStore, decided: Decision, by: str, **changed: str) -> Decision | None:
    """What the one that waits finds after a decision, where its action was changed meanwhile."""
    asked = await store.ask("apr_1", ACTION, 60)
    await store.decide("lab", "apr_1", decided, by, operator=False)
    found = await store.settle(replace(asked, action=replace(ACTION, **changed)), "waiter")
    return found and found[0]


@pytest.mark.parametrize("by", ["ada", "cleo"])
async def test_the_asker_and_the_creator_may(store: ApprovalStore, by: str) -> None:
    """And the one that waits is told who did."""
    asked = await store.ask("apr_1", ACTION, 60)
    assert await store.settle(asked, "waiter") is None
    decided = await store.decide("lab", "apr_1", Decision.APPROVED, by, operator=False)
    assert (decided.action, decided.decided_by) == (ACTION, by)
    assert await store.settle(asked, "waiter") == (Decision.APPROVED, by)


@pytest.mark.parametrize("by", ["bo", "echo", "scribe", "dan", "nobody"])
async def test_others_may_not(store: ApprovalStore, by: str) -> None:
    """Another member, an assistant, the one of another room, a stranger."""
    asked = await store.ask("apr_1", ACTION, 60)
    with pytest.raises(PermissionDenied):
        await store.decide("lab", "apr_1", Decision.APPROVED, by, operator=False)
    assert await store.settle(asked, "waiter") is None


async def test_an_assistant_may_not_where_it_is_the_asker(store: ApprovalStore) -> None:
    """One assistant that was asked by another one approves nothing by itself."""
    await store.ask("apr_1", replace(ACTION, asker="scribe"), 60)
    with pytest.raises(PermissionDenied):
        await store.decide("lab", "apr_1", Decision.APPROVED, "scribe", operator=False)


async def test_an_operator_may(store: ApprovalStore) -> None:
    """Without being a member."""
    await store.ask("apr_1", ACTION, 60)
    await store.decide("lab", "apr_1", Decision.DENIED, "service", operator=True)


async def test_the_right_is_checked_at_the_decision(store: ApprovalStore, redis: Redis) -> None:
    """Whoever was removed since may decide no longer; and nothing is done in the name of one who has left."""
    await store.ask("apr_1", ACTION, 60)
    await redis.hdel(RoomKeys("lab").members, "cleo")
    with pytest.raises(PermissionDenied):
        await store.decide("lab", "apr_1", Decision.APPROVED, "cleo", operator=False)
    asked = await store.ask("apr_2", ACTION, 60)
    await store.decide("lab", "apr_2", Decision.APPROVED, "ada", operator=False)
    await redis.hdel(RoomKeys("lab").members, "ada")
    assert await store.settle(asked, "waiter") == (Decision.EXPIRED, None)


async def test_it_is_used_once(store: ApprovalStore) -> None:
    """The same call that the client sends twice is one use; another's is none."""
    asked = await store.ask("apr_1", ACTION, 60)
    await store.decide("lab", "apr_1", Decision.APPROVED, "ada", operator=False)
    assert await store.settle(asked, "waiter") == (Decision.APPROVED, "ada")
    assert await store.settle(asked, "waiter") == (Decision.APPROVED, "ada")
    assert await store.settle(asked, "another") == (Decision.EXPIRED, None)


@pytest.mark.parametrize(
    "changed", [{"arguments": '{"count":4000,"part":"bracket"}'}, {"action": "pay"}, {"asker": "bo"}]
)
async def test_it_is_bound_to_what_was_asked(store: ApprovalStore, changed: dict[str, str]) -> None:
    """Other arguments, another action, another's name: none of that was approved."""
    assert await settled(store, Decision.APPROVED, "ada", **changed) is Decision.EXPIRED


async def test_it_belongs_to_its_room(store: ApprovalStore) -> None:
    """Under its id nothing is asked in another one."""
    await store.ask("apr_1", ACTION, 60)
    with pytest.raises(NotFound):
        await store.decide("other", "apr_1", Decision.APPROVED, "ada", operator=False)
    assert [one.id for one in await store.open("lab")] == ["apr_1"]
    assert await store.open("other") == []


async def test_a_decision_is_made_once(store: ApprovalStore) -> None:
    """The first one counts; said again by the same person it is the same."""
    asked = await store.ask("apr_1", ACTION, 60)
    for _ in range(2):
        await store.decide("lab", "apr_1", Decision.DENIED, "ada", operator=False)
    with pytest.raises(Conflict, match="ada has denied this already"):
        await store.decide("lab", "apr_1", Decision.APPROVED, "cleo", operator=False)
    with pytest.raises(Conflict):
        await store.decide("lab", "apr_1", Decision.APPROVED, "ada", operator=False)
    assert await store.settle(asked, "waiter") == (Decision.DENIED, "ada")
    assert await store.open("lab") == []


async def test_it_expires(store: ApprovalStore) -> None:
    """By the store's clock; a late approval is told so."""
    asked = await store.ask("apr_1", ACTION, 0)
    assert await store.open("lab") == []
    with pytest.raises(Conflict, match="time for this decision is over"):
        await store.decide("lab", "apr_1", Decision.APPROVED, "ada", operator=False)
    assert await store.settle(asked, "waiter") == (Decision.EXPIRED, None)


async def test_what_nobody_waits_for_can_not_be_approved(store: ApprovalStore, redis: Redis) -> None:
    """A worker that died leaves it expired, whatever time there was; one that was only slow goes on."""
    asked = await store.ask("apr_1", ACTION, 60)
    await kill(redis)
    assert await store.open("lab") == []
    with pytest.raises(Conflict, match="is over"):
        await store.decide("lab", "apr_1", Decision.APPROVED, "ada", operator=False)
    assert await store.settle(asked, "waiter") is None
    assert [one.id for one in await store.open("lab")] == ["apr_1"]
    await store.decide("lab", "apr_1", Decision.APPROVED, "ada", operator=False)


async def kill(redis: Redis) -> None:
    """What the store holds when a worker has not looked for as long as an asking lives."""
    key = RoomKeys("lab").approvals
    kept = orjson.loads(await redis.hget(key, "apr_1") or b"")
    await redis.hset(key, "apr_1", orjson.dumps({**kept, "alive": 1}))


async def test_askings_are_bounded_and_forgotten(store: ApprovalStore, redis: Redis) -> None:
    """So many are open at a time; those that ended long ago go."""
    for number in range(MOST_OPEN):
        await store.ask(f"apr_{number}", ACTION, 60)
    with pytest.raises(Conflict, match="50 approvals are open"):
        await store.ask("apr_more", ACTION, 60)
    key = RoomKeys("lab").approvals
    kept = orjson.loads(await redis.hget(key, "apr_0") or b"")
    await redis.hset(key, "apr_0", orjson.dumps({**kept, "ends": 1}))
    await store.ask("apr_more", ACTION, 60)
    assert not await redis.hexists(key, "apr_0")


def approver(redis: Redis) -> RoomApprover:
    """Echo's, in the answer to Ada."""
    approvals = Approvals(ApprovalStore(redis), Bus(redis), system_clock)
    answer = (ACTION.message_id, ACTION.run_id, ACTION.reply_to)
    return RoomApprover(approvals, Receipt(), "lab", "echo", "ada", *answer)


@asynccontextmanager
async def asking(
    redis: Redis, seconds: float = 60, **changed: str
) -> AsyncIterator[tuple[asyncio.Task[str], Listener, Approvals]]:
    """Echo asks Ada's room for an approval; the notification was heard."""
    async with listening(redis, "lab") as heard:
        asks = approver(redis)
        given = {"action": ACTION.action, "arguments": ACTION.arguments, **changed}
        task = asyncio.create_task(asks.ask(**given, seconds=seconds))
        await heard.until(lambda events: bool(told(events)))
        yield task, heard, asks.approvals


def told(events: list[RoomEvent]) -> list[tuple[str, dict[str, str]]]:
    """What the room was told of approvals: the code, and the approval."""
    envelopes = [orjson.loads(event.envelope) for event in events if isinstance(event, Live)]
    return [(one["data"]["code"], one["data"]["approval"]) for one in envelopes if "approval" in one["data"]]


async def test_a_decision_reaches_the_one_that_waits(store: ApprovalStore, redis: Redis) -> None:
    """Within 250 ms, and the room sees the asking and the decision."""
    async with asking(redis) as (task, heard, approvals):
        ((code, asked),) = told(heard.events)
        assert (code, asked["asker"], asked["arguments"]) == ("APPROVAL_ASKED", "ada", ACTION.arguments)
        began = asyncio.get_running_loop().time()
        await approvals.decide(Identity("cleo", "Cleo"), "lab", asked["approval_id"], approve=True)
        assert await task == "cleo"
        assert asyncio.get_running_loop().time() - began < 1  # 250 ms, on a machine that does nothing else.
        await heard.until(lambda events: len(told(events)) == 2)
        code, decided = told(heard.events)[1]
        assert (code, decided["decision"], decided["decided_by"]) == ("APPROVAL_DECIDED", "approved", "cleo")


async def test_a_denial_is_an_error(store: ApprovalStore, redis: Redis) -> None:
    """Code that does not look at it does not act."""
    async with asking(redis) as (task, heard, approvals):
        ((_, asked),) = told(heard.events)
        await approvals.decide(Identity("ada", "Ada"), "lab", asked["approval_id"], approve=False)
        with pytest.raises(NotApproved, match="ada has denied it"):
            await task


async def test_silence_is_an_error(store: ApprovalStore, redis: Redis) -> None:
    """After the time that was given; the room is told."""
    async with asking(redis, seconds=1) as (task, heard, _):
        with pytest.raises(NotApproved, match="Nobody approved it in time"):
            await task
        await heard.until(lambda events: len(told(events)) == 2)
        assert told(heard.events)[1][1]["decision"] == "expired"


async def test_an_answer_that_is_stopped_asks_no_longer(store: ApprovalStore, redis: Redis) -> None:
    """Nobody can approve what nobody would do."""
    async with asking(redis) as (task, heard, approvals):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await approvals.open("lab") == []
        await heard.until(lambda events: len(told(events)) == 2)
        with pytest.raises(Conflict):
            await approvals.decide(
                Identity("ada", "Ada"), "lab", told(heard.events)[0][1]["approval_id"], approve=True
            )


async def test_what_is_approved_can_be_read(store: ApprovalStore, redis: Redis) -> None:
    """Characters that hide or turn text are shown as escapes; more than a person reads is not asked."""
    async with asking(redis, arguments='{"to":"a\u202eb\u200b"}') as (task, heard, _):
        assert told(heard.events)[0][1]["arguments"] == '{"to":"a\\u202eb\\u200b"}'
        task.cancel()
        await asyncio.wait({task})
    with pytest.raises(NotApproved, match="more than 4,000 characters"):
        await approver(redis).ask("order", "x" * (MOST_ARGUMENTS + 1), 60)


async def test_over_http(server: Server, redis: Redis, store: ApprovalStore) -> None:
    """Members see what is asked; whoever may decides, and hears of errors in words."""
    async with (
        asking(redis) as (task, _, _),
        httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ada"}) as ada,
        httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "bo"}) as bo,
        httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "dan"}) as dan,
    ):
        path = "/api/rooms/lab/approvals"
        (asked,) = (await bo.get(path)).json()["approvals"]
        assert (asked["assistant"], asked["action"], asked["message_id"]) == (
            "echo",
            ACTION.action,
            "msg_1",
        )
        one = f"{path}/{asked['approval_id']}"
        assert (await dan.get(path)).status_code == 403
        assert (await dan.post(one, json={"decision": "approve"})).status_code == 403
        refused = await bo.post(one, json={"decision": "approve"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
        wrong = await ada.post(one, json={"decision": "yes"})
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "decision")
        other = f"/api/rooms/other/approvals/{asked['approval_id']}"
        assert (await ada.post(other, json={"decision": "approve"})).status_code == 404
        decided = await ada.post(one, json={"decision": "approve"})
        assert (decided.status_code, decided.json()["decided_by"]) == (200, "ada")
        assert await task == "ada"
        late = await ada.post(one, json={"decision": "deny"})
        assert (late.status_code, late.json()["error"]["message"]) == (409, "ada has approved this already.")
        assert (await bo.get(path)).json() == {"approvals": []}


async def test_an_operator_over_http(server: Server, redis: Redis, store: ApprovalStore) -> None:
    """With the service key."""
    async with (
        asking(redis) as (task, heard, _),
        httpx.AsyncClient(base_url=server.http, headers={"X-Service-Key": SERVICE_KEY}) as operator,
    ):
        approval = told(heard.events)[0][1]["approval_id"]
        path = f"/api/rooms/lab/approvals/{approval}"
        assert (await operator.post(path, json={"decision": "approve"})).status_code == 200
        assert await task == "service"
