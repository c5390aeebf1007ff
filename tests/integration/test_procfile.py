"""The Procfile under honcho: two processes without a supervisor, one embedded store between them."""

import os
import shutil
import signal
import sys
from pathlib import Path

from processes import ended, environment, holder, running

ROOT = Path(__file__).parents[2]


async def test_both_processes_share_a_store_and_stop(tmp_path: Path) -> None:
    """`honcho start` runs web and assistants on one store; SIGTERM ends all of it."""
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(tmp_path, PATH=scripts, PYTHONUNBUFFERED="1")
    # A copy, because honcho works in the Procfile's folder, and reads the `.env` there.
    procfile = shutil.copy(ROOT / "Procfile", tmp_path)
    command = (sys.executable, "-m", "honcho", "-f", procfile, "start")
    async with running(*command, env=env) as honcho:
        await honcho.says(r"web.*Running on http://127\.0\.0\.1")
        had = holder(tmp_path)
        os.kill(honcho.pid, signal.SIGTERM)
        await honcho.ends()
        await ended(had.keeper)
        await ended(had.server or 0)
    assert "Traceback" not in "\n".join(honcho.lines)
