"""What a verification means is said to who has to rely on it: in both languages, and no more than was shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fuzz.decoders import DECODERS
from tests.trust.builders import flipped, network
from tests.trust.keepers import root_of

from hallnet.cli.explaining import Subject, explained
from hallnet.cli.verifying import verified_file
from hallnet.node.rootkeys import spoken

NET = network()
ROOT = NET.root.certificate


@pytest.mark.parametrize("subject", list(Subject))
@pytest.mark.parametrize("holds", [True, False])
def test_it_names_the_root_on_which_all_rests_by_its_fingerprint(
    subject: Subject, holds: bool
) -> None:
    meaning = explained(subject, holds, ROOT)
    for lines in (meaning.zh, meaning.en):
        assert any(spoken(ROOT) in line for line in lines)
    assert len(meaning.zh) == len(meaning.en)


@pytest.mark.parametrize("subject", list(Subject))
def test_of_what_does_not_hold_nothing_is_said_to_follow(subject: Subject) -> None:
    holding, broken = (explained(subject, holds, ROOT) for holds in (True, False))
    assert any(line.startswith("由此可以认定") for line in holding.zh)
    assert any(line.startswith("不能由此认定") for line in holding.zh)
    assert not any("认定" in line for line in broken.zh)
    assert not any("It follows" in line for line in broken.en)
    assert "不得采信" in broken.zh[-1]


def test_it_says_that_several_persons_hold_the_root() -> None:
    assert any("5位保管人" in line for line in explained(Subject.BUNDLE, True, root_of()).zh)


def test_a_file_that_was_changed_is_explained_as_not_to_be_relied_upon(tmp_path: Path) -> None:
    file = tmp_path / "township.journal"
    genuine = DECODERS["archive"].genuine
    file.write_bytes(genuine)
    assert verified_file(file, ROOT)["explanation"]["zh"][-1] == "结论：全部证明成立。"
    file.write_bytes(flipped(genuine, len(genuine) * 8 - 1))
    found = verified_file(file, ROOT)
    assert not found["holds"]
    assert "不得采信" in found["explanation"]["zh"][-1]
