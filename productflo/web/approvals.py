"""What assistants ask approval for, over HTTP: seeing it, and deciding."""

from typing import Any, Literal

from pydantic import BaseModel
from quart import Blueprint, request

from productflo.service.approvals import Approvals, shown
from productflo.service.membership import Membership
from productflo.web.guard import Guard
from productflo.web.json_body import read_body


class Deciding(BaseModel):
    """`POST /api/rooms/{room}/approvals/{id}`."""

    decision: Literal["approve", "deny"]


def approvals_blueprint(approvals: Approvals, membership: Membership, guard: Guard) -> Blueprint:
    """`/api/rooms/{room}/approvals` and what is below it."""
    blueprint = Blueprint("approvals", __name__)

    @blueprint.get("/api/rooms/<room_id>/approvals")
    async def asked(room_id: str) -> dict[str, Any]:
        await membership.require(guard.require(request), room_id)
        return {
            "approvals": [
                {
                    **shown(one).model_dump(exclude_none=True),
                    "assistant": one.action.assistant,
                    "message_id": one.action.message_id,
                }
                for one in await approvals.open(room_id)
            ]
        }

    @blueprint.post("/api/rooms/<room_id>/approvals/<approval_id>")
    async def decide(room_id: str, approval_id: str) -> dict[str, Any]:
        identity = guard.require(request)
        asked = await read_body(request, Deciding)
        await membership.require(identity, room_id)
        decided = await approvals.decide(identity, room_id, approval_id, approve=asked.decision == "approve")
        return decided.model_dump(exclude_none=True)

    return blueprint
