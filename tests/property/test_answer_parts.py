"""Answers whose elements were encoded before say what their models say."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from productflo.protocol.answers import (
    HistoricResponse,
    HistoricResponseData,
    JoinAnswer,
    JoinAnswerData,
    MemberInfo,
    as_message,
    with_members,
    with_messages,
)
from productflo.protocol.codec import encode
from productflo.protocol.codes import GapReason, Kind, Presence, RoomKind

TEXTS = st.text(max_size=20) | st.just('"members":[') | st.just('\\"messages":[],"data":{')
SEQS = st.integers(0, 2**53)
MEMBERS = st.lists(
    st.builds(
        MemberInfo,
        id=TEXTS,
        name=TEXTS,
        kind=st.sampled_from(Kind),
        presence=st.sampled_from(Presence),
        read_seq=SEQS,
        broken=st.none() | TEXTS,
    ),
    max_size=4,
)
VALUES = (
    st.none() | st.booleans() | SEQS | TEXTS | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS)
)
DATA = st.dictionaries(
    TEXTS.filter(lambda name: name not in ("code", "timestamp")), VALUES, min_size=1, max_size=5
)
HEADS = st.fixed_dictionaries(
    {"user_id": TEXTS, "room_id": TEXTS, "timestamp": TEXTS, "request_id": st.none() | TEXTS}
)


@given(HEADS, MEMBERS, st.sampled_from(RoomKind), st.none() | st.sampled_from(GapReason))
def test_a_join_is_answered_as_its_model_would(
    head: dict[str, Any], members: list[MemberInfo], kind: RoomKind, reason: GapReason | None
) -> None:
    """Byte by byte."""
    data = JoinAnswerData(
        kind=kind,
        member_count=len(members),
        members=members,
        generation="17",
        last_seq=3,
        read_seq=2,
        unread=1,
        gap=True if reason else None,
        reason=reason,
    )
    bare = JoinAnswer(**head, data=data.model_copy(update={"members": []}))
    each = b",".join(one.encoded() for one in members)
    assert with_members(encode(bare), each) == encode(JoinAnswer(**head, data=data))


@given(HEADS, st.lists(st.tuples(HEADS, DATA), max_size=3), st.none() | SEQS)
def test_a_page_is_what_its_model_would_be(
    head: dict[str, Any], said: list[tuple[dict[str, Any], dict[str, Any]]], seq: int | None
) -> None:
    """Each message's data, with the code and the timestamp of its envelope."""
    envelopes = [
        {"status": "success", "code": "chat_response", **begin, "data": data} for begin, data in said
    ]
    messages = [{**one["data"], "code": one["code"], "timestamp": one["timestamp"]} for one in envelopes]
    page = HistoricResponseData(
        messages=messages, has_more=True, first_seq=seq, last_seq=seq, generation="17"
    )
    bare = HistoricResponse(**head, data=page.model_copy(update={"messages": []}))
    each = b",".join(as_message(orjson.dumps(one)) for one in envelopes)
    whole = HistoricResponse(**head, data=page).model_dump(mode="json")
    told = orjson.loads(with_messages(encode(bare), each))
    assert told["data"]["messages"] == messages
    assert told == {name: value for name, value in whole.items() if value is not None} | {
        "data": {name: value for name, value in whole["data"].items() if value is not None}
    }
