"""People whom no other test knows, and their HTTP."""

from uuid import uuid4

import httpx
from chatting import Server


def unique(*names: str) -> list[str]:
    """Ids that begin with these names."""
    suffix = uuid4().hex[:8]
    return [f"{name}_{suffix}" for name in names]


def http(server: Server, user: str) -> httpx.AsyncClient:
    """HTTP to an open server, as a user. Use it as an async context manager."""
    return httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": user})
