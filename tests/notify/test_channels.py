"""The file channel: a whole file for each notice, or none."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.case.builders import START
from tests.notify.parts import PERSON, ask, notice

from hallnet.notify.channels import FileChannel, NotTaken, SwitchedOff


def written(folder: Path) -> dict[str, object]:
    return {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def test_a_notice_is_a_file_with_one_line_of_json(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    ask(FileChannel(folder).send(notice(text="已受理。\n第二行“引号”")))
    (path,) = folder.iterdir()
    assert path.name == "intake-1-applicant.json"
    assert len(path.read_text("utf-8").splitlines()) == 1
    assert json.loads(path.read_text("utf-8")) == {
        "notice_id": "intake-1-applicant",
        "subject": "case-1",
        "audience": "applicant",
        "address": PERSON.phone,
        "text": "已受理。\n第二行“引号”",
        "written_at": START.isoformat(),
    }


def test_chinese_stands_in_the_file_as_it_is_read(tmp_path: Path) -> None:
    ask(FileChannel(tmp_path).send(notice(text="已受理。")))
    assert "已受理。" in (tmp_path / "intake-1-applicant.json").read_text("utf-8")


def test_only_the_hall_itself_may_read_it(tmp_path: Path) -> None:
    ask(FileChannel(tmp_path).send(notice()))
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_notice_again_is_the_same_file(tmp_path: Path) -> None:
    for _ in range(3):
        ask(FileChannel(tmp_path).send(notice()))
    assert [path.name for path in tmp_path.iterdir()] == ["intake-1-applicant.json"]


def test_what_a_crash_left_half_written_is_no_notice_and_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / ".intake-1-applicant.json.partial").write_text('{"notice_id": "intak')
    assert written(tmp_path) == {}
    ask(FileChannel(tmp_path).send(notice(text="全文")))
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    (whole,) = written(tmp_path).values()
    assert isinstance(whole, dict)
    assert whole["text"] == "全文"


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.notify.parts import notice
from hallnet.notify.channels import FileChannel

replace = Path.replace
def end(self, target):
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = end
asyncio.run(FileChannel(Path(sys.argv[1])).send(notice(text="很长的正文" * 100000)))
"""


def test_a_process_that_is_killed_in_the_middle_leaves_no_half_notice(tmp_path: Path) -> None:
    """Just before the file gets its name."""
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert run.returncode == -9
    assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]
    assert written(tmp_path) == {}
    ask(FileChannel(tmp_path).send(notice()))
    assert len(written(tmp_path)) == 1


def test_a_full_disk_leaves_no_half_notice_and_says_so_without_naming_anybody(
    tmp_path: Path,
) -> None:
    """/dev/full is a disk on which nothing fits."""
    partial = tmp_path / ".intake-1-applicant.json.partial"
    partial.symlink_to("/dev/full")
    with pytest.raises(NotTaken) as refused:
        ask(FileChannel(tmp_path).send(notice()))
    assert str(refused.value) == "OSError 28"
    assert written(tmp_path) == {}
    partial.unlink()
    ask(FileChannel(tmp_path).send(notice()))
    assert len(written(tmp_path)) == 1


def test_a_folder_that_is_none_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "notices").write_text("")
    with pytest.raises(NotTaken) as refused:
        ask(FileChannel(tmp_path / "notices").send(notice()))
    assert str(tmp_path) not in str(refused.value)


def test_a_channel_that_is_switched_off_takes_nothing() -> None:
    channel = SwitchedOff("webhook")
    assert not channel.is_on
    with pytest.raises(NotTaken):
        ask(channel.send(notice()))
