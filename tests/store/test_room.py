"""Room on the disk: what is large is refused before the disk is full."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from hallnet.store import Database
from hallnet.store.room import HallFull, Room, measured, reusable_bytes

BYTES = st.integers(0, 2**50)


@given(BYTES, BYTES, BYTES, BYTES)
def test_what_comes_leaves_at_least_what_is_kept(
    free: int, kept: int, wanted: int, reusable: int
) -> None:
    room = Room(free, kept)
    assert room.is_enough(wanted, reusable) == (free + reusable - wanted >= kept)
    if room.is_enough(wanted, reusable):
        room.require(wanted, reusable)
    else:
        with pytest.raises(HallFull):
            room.require(wanted, reusable)


def test_the_refusal_says_how_much_is_left_and_what_is_kept() -> None:
    with pytest.raises(HallFull) as refusal:
        Room(300 * 2**20, 512 * 2**20).require()
    for said in (refusal.value.in_chinese(), refusal.value.in_english()):
        assert "300" in said
        assert "512" in said


def test_the_disk_of_a_folder_is_measured(tmp_path: Path) -> None:
    assert measured(tmp_path, 7).free_bytes > 0
    assert measured(tmp_path, 7).free_bytes_min == 7


def test_pages_that_were_freed_count_as_room(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", "x")
    size = 1_000_000
    database.transact(lambda c: c.execute(text("CREATE TABLE t (b BLOB)")))
    database.transact(lambda c: c.execute(text(f"INSERT INTO t VALUES (zeroblob({size}))")))
    before = database.look(reusable_bytes)
    database.transact(lambda c: c.execute(text("DELETE FROM t")))
    assert database.look(reusable_bytes) - before >= size * 0.9
    database.close()
