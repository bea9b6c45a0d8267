"""Reserved numbers while the process that gives them is killed with -9 again and again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.exchange.parts import rows
from tests.intake.device_parts import Device
from tests.intake.parts import AGENT, put_accounts
from tests.simulation.halls import World
from tests.simulation.worlds import TOWNSHIP

from hallnet.intake import tables

KILLS = 6
TOLD_BEFORE_A_KILL = 12
ROOT = Path(__file__).parents[2]
WORK = """
import json, os, sys
from datetime import datetime
from tests.simulation.halls import SUITE
from hallnet.intake.context import Hall
from hallnet.intake.device import blocks
from hallnet.intake.numbering import next_case_no
from hallnet.places import Address, divisions
from hallnet.store import Database
from hallnet.store.vault import Vault

url, schema, address, device_id, at = sys.argv[1:]
database = Database(url, schema, Vault(SUITE, address.encode(), b"intake"))
hall = Hall(Address.parse(address), "", divisions(), os.urandom)
now = datetime.fromisoformat(at)

def reserve(connection):
    found = [one.case_no for one in blocks.reserve(connection, hall, device_id, "agent", 2, now)]
    # A window takes a number in between.
    return [*found, next_case_no(connection, hall.address, now.date())]

while True:
    numbers = database.transact(reserve)
    print(json.dumps(numbers), flush=True)
    database.transact(lambda c: blocks.give_back(c, "agent", numbers))
"""


def test_no_number_is_given_twice_though_the_process_is_killed(world: World) -> None:
    put_accounts(world, TOWNSHIP, AGENT)
    device = Device(world)
    station = world.at(TOWNSHIP)
    url = station.intake.engine.url.render_as_string(hide_password=False)
    arguments = [
        url.replace("postgresql+psycopg", "postgresql"),
        station.intake.schema,
        TOWNSHIP,
        device.device_id,
        world.time.now.isoformat(),
    ]
    given: list[str] = []
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WORK, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        for _ in range(TOLD_BEFORE_A_KILL):
            given += json.loads(process.stdout.readline())
        # It is in the middle of something, whatever that is.
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                given += json.loads(line)
        process.wait()
    assert len(given) >= KILLS * TOLD_BEFORE_A_KILL * 3
    assert len(set(given)) == len(given)
    kept = {row.case_no for row in rows(station.intake, tables.reserved_number)}
    reserved = {number for n, number in enumerate(given) if n % 3 < 2}
    assert reserved <= kept
