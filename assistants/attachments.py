"""Files that an assistant makes: its own until its answer attaches them, as any member's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from assistants.errors import AssistantError
from assistants.surrogates import mended
from productflo.domain.identity import Identity
from productflo.errors import StoreFull, TooLarge
from productflo.service.files import Details, Files


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Keeps files for one assistant."""

    files: Files
    owner: Identity

    async def keep(self, name: str, text: str) -> str:
        """Keep a text file; its id. Raises `AssistantError` where it is too large, or there is no room."""
        try:
            received = await self.files.receive(name, _chunks(mended(text).encode()))
        except (TooLarge, StoreFull) as error:
            raise AssistantError(f"The file {name} could not be kept. {error.message}") from error
        return (await self.files.keep(self.owner, received, Details())).id


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
