"""A web process whose presence is as short as is asked for: 1 is the real pace, 0.2 a fifth of it.

    python quick_web.py <store url> <data folder> <part of the real pace>

A program of its own, and one process: it can be killed and stopped.
"""

import asyncio
import sys
from dataclasses import astuple
from pathlib import Path

from serving import serving

from productflo.app import create_app
from productflo.settings import Settings
from productflo.store import presence


async def main(url: str, data_dir: str, part: float) -> None:
    """Serve until killed."""
    presence.USUAL_PACE = presence.Pace(*(part * seconds for seconds in astuple(presence.USUAL_PACE)))
    settings = Settings(redis_url=url, data_dir=Path(data_dir), default_assistants=())
    async with serving(create_app(settings)) as port:
        print(f"serving on {port}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
