"""Autobahn's WebSocket test suite against our wire: about two minutes, and not a part of `./run test`.

The suite (github.com/crossbario/autobahn-testsuite) runs on Python 2.7 only. Outside of this repository:

    virtualenv -p python2.7 /tmp/autobahn && /tmp/autobahn/bin/pip install autobahntestsuite
    .venv/bin/python tests/autobahn.py /tmp/autobahn/bin/wstest

Prints how the cases went, those of compression (12, 13) left out; ends with 1 where one failed. `quart` as a
second word tries the other carrier.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from processes import running

ECHO = str(Path(__file__).parent / "echo.py")
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
MAX_MESSAGE = 20_000_000  # Bytes; the suite's largest has 16 MB.
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
"""Non-strict: text that is no UTF-8 is refused when its frame is whole, not at the first wrong byte."""


async def tried(wstest: str, carrier: str, folder: Path) -> dict[str, dict[str, str]]:
    """What the suite says of each case."""
    async with running(
        sys.executable, ECHO, carrier, "--max-message", str(MAX_MESSAGE), env=os.environ
    ) as echo:
        port = (await echo.says(r"echo on (\d+)"))[1]
        servers = [{"agent": carrier, "url": f"ws://127.0.0.1:{port}/ws"}]
        spec = folder / "spec.json"
        spec.write_text(
            json.dumps({"outdir": str(folder), "servers": servers, "cases": CASES, "exclude-cases": []})
        )
        suite = await asyncio.create_subprocess_exec(wstest, "-m", "fuzzingclient", "-s", str(spec))
        if await suite.wait():
            sys.exit("wstest failed")
    told: dict[str, dict[str, str]] = json.loads((folder / "index.json").read_text())[carrier]
    return told


def main(wstest: str, carrier: str = "own") -> None:
    """Try all cases, and sum them up."""
    with tempfile.TemporaryDirectory() as folder:
        cases = asyncio.run(tried(wstest, carrier, Path(folder)))
    print(len(cases), "cases:", dict(Counter(one["behavior"] for one in cases.values())))
    failed = [
        name
        for name, one in cases.items()
        if one["behavior"] not in PASSED or one["behaviorClose"] not in PASSED
    ]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
