"""What a place that keeps files' bytes must do."""

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Protocol


class Blobs(Protocol):
    """Bytes by id. An id has 3 to 64 of a-z, 0-9 and _; other ids raise ValueError."""

    async def put(self, blob_id: str, chunks: AsyncIterable[bytes], limit: int) -> int:
        """Keep what `chunks` yields and return its size in bytes.

        All or nothing: when `chunks` raises, when the caller is cancelled, or when there is more than `limit`
        bytes (`TooLarge`), nothing stays. Raises `StoreFull` when there is no room.
        """
        ...

    async def size(self, blob_id: str) -> int:
        """The size in bytes. Raises `NotFound`."""
        ...

    def open(self, blob_id: str, begin: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `begin` up to, not including, `end`, in blocks. Raises `NotFound` at the first one.

        Close the iterator (`contextlib.aclosing`) when it is not read to its end.
        """
        ...

    async def delete(self, blob_id: str) -> None:
        """Forget the bytes; nothing happens when there are none."""
        ...
