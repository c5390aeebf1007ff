"""What Redis answers, as Python values: redis-py types it as bytes or str, by a setting of the client."""

Reply = bytes | str


def text(reply: Reply) -> str:
    """An answer as text."""
    return reply.decode() if isinstance(reply, bytes) else reply


def raw(reply: Reply) -> bytes:
    """An answer as bytes."""
    return reply.encode() if isinstance(reply, str) else reply
