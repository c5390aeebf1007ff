"""A chat is encoded without its model: the two must never say different things."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from productflo.protocol.codec import chat_in_parts, in_parts
from productflo.protocol.inbound import ChatData
from productflo.protocol.messages import ChatResponse, ChatResponseData, RequestInfo

IDS = st.text("abcXYZ019_.:@-", min_size=1, max_size=12)
FOREIGN = st.text(min_size=1, max_size=12).filter(lambda text: all(c >= " " and c != "\x7f" for c in text))
TEXTS = st.text(min_size=1, max_size=80).filter(str.strip)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
REQUESTS = st.none() | st.builds(
    lambda code, assistant, more: RequestInfo.model_validate({**more, "code": code, "assistant": assistant}),
    st.text(max_size=10),
    IDS,
    st.dictionaries(st.text("abc", min_size=1), st.text(max_size=5), max_size=2),
)


@given(
    st.builds(
        ChatData,
        message=TEXTS,
        sender=IDS,
        message_id=FOREIGN,
        attached_files=st.lists(FOREIGN, max_size=3),
        reply_to=st.none() | FOREIGN,
        metadata=st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
    ),
    IDS,
    st.none() | st.lists(IDS, min_size=1, max_size=3),
    REQUESTS,
)
def test_the_parts_are_those_of_the_model(
    said: ChatData, room: str, mentions: list[str] | None, request: RequestInfo | None
) -> None:
    """Byte by byte, so that what is spliced between them stands where it would."""
    timestamp = "2026-11-28T10:00:00.000Z"
    envelope = ChatResponse(
        user_id=said.sender,
        room_id=room,
        timestamp=timestamp,
        data=ChatResponseData(
            **said.model_dump(exclude={"message_id"}),
            message_id=said.message_id or "",
            mentions=mentions,
            request=request,
        ),
    )
    assert chat_in_parts(said, room, timestamp, said.metadata, mentions, request) == in_parts(envelope)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_what_they_are(number: float) -> None:
    """However they are written."""
    said = ChatData(message="m", sender="ada", message_id="m1", metadata={"n": number})
    rest = chat_in_parts(said, "lab", "", said.metadata).rest
    assert orjson.loads(b"{%b}" % rest[1:])["metadata"]["n"] == number
