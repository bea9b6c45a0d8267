"""A day of the whole province: as many halls and village points as there are, with people and with trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MEMORY_BYTES = 6 * 1024**3
"""What the machine has to have at hand: the day takes some four gigabytes."""


def memory_at_hand() -> int:
    """In bytes; as much as is wanted where the system does not say it."""
    told = Path("/proc/meminfo")
    if not told.exists():
        return MEMORY_BYTES
    lines = (line.split() for line in told.read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:")


@pytest.mark.timeout(3_000)
@pytest.mark.skipif(memory_at_hand() < MEMORY_BYTES, reason="needs six gigabytes of free memory")
def test_a_day_of_the_whole_province_keeps_every_promise() -> None:
    """In a process of its own, so that its memory is given back."""
    command = (
        Path(sys.executable).with_name("hallnet"), "simulate", "--divisions", "33", "--seed", "2",
        "--days", "1", "--cases", "0.5", "--faults", "40", "--no-shrink", "--json",
    )  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert (told["halls"], told["village_points"]) == (1_489, 25_547)
    assert told["violations"] == []
    assert told["cases"] > 500
    assert len(told["faults"]) > 10
