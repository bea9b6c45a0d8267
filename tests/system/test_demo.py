"""The demo, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from hallnet.sandbox.folder import sandbox_folder


def test_the_demo_passes_every_check_and_leaves_nothing_behind(tmp_path: Path) -> None:
    written = tmp_path / "demo.json"
    run = subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", "demo", "--json", str(written)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    lines = run.stdout.strip().splitlines()
    document = json.loads(written.read_text(encoding="utf-8"))
    assert lines[-1] == f"demo: {document['passed']} checks passed, 0 failed"
    assert document["failed"] == 0
    assert document["passed"] == len(document["checks"]) >= 36
    assert len(document["halls"]) == 9
    assert document["hops"]
    folder = Path(lines[0].rpartition(" ")[2])
    assert folder.name.startswith("hallnet-")
    assert not folder.exists()
    assert users_of(folder) == []


def test_a_demo_that_is_killed_leaves_nothing_running() -> None:
    """Nobody has to look for servers on ports of their machine."""
    with sandbox_folder() as folder:
        demo = subprocess.Popen(
            [sys.executable, "-m", "hallnet.cli.main", "demo"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(folder)},
        )
        assert demo.stdout is not None
        try:
            founded = (line for line in demo.stdout if "process(es)" in line)
            assert "NATS server" in next(founded)
            assert len(users_of(folder)) > 2
            demo.kill()
            deadline = time.monotonic() + 30
            while users_of(folder) and time.monotonic() < deadline:
                time.sleep(0.2)
            assert users_of(folder) == []
        finally:
            demo.kill()
            demo.communicate(timeout=30)


def users_of(folder: Path) -> list[str]:
    """Processes whose command line or standard output names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            output = str((process / "fd" / "1").readlink())
        except OSError:
            continue
        if str(folder) in command or str(folder) in output:
            found.append(command)
    return found
