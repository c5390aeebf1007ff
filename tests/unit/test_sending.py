"""What productflo/store/sending.py replaces is as it was written for."""

import inspect

from redis.asyncio.connection import AbstractConnection

from productflo.store.sending import Sending


def test_redis_py_still_sends_as_it_did() -> None:
    """The method that is replaced has the same arguments, and still sends under wait_for."""
    theirs = AbstractConnection.send_packed_command
    assert list(inspect.signature(theirs).parameters) == list(
        inspect.signature(Sending.send_packed_command).parameters
    )
    assert "asyncio.wait_for(" in inspect.getsource(theirs), "redis-py was mended: sending.py can go"
    assert "self._writer.writelines(command)" in inspect.getsource(AbstractConnection._send_packed_command)
