"""Whatever bytes come, a decoder reads them or refuses them with a problem that says where and why."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.decoders import DECODERS
from tests.fuzz.make_corpus import CORPUS, answer, changed
from tests.fuzz.searching import numbers, one_world

from hallnet.problems import all_problems

ROOT = Path(__file__).parents[2]
DECOMPRESSORS = {"zlib", "gzip", "bz2", "lzma", "zipfile", "tarfile", "brotli", "zstandard", "lz4"}
DEMO = set((ROOT / "src" / "hallnet" / "demo").glob("*.py"))
EXAMPLES_IN_CORPUS = sorted(CORPUS.glob("*.bin"))


def require_answer(name: str, data: bytes) -> None:
    said = answer(DECODERS[name], data)
    assert said == "read" or said.split(" ")[0] in all_problems()


@pytest.mark.parametrize("name", DECODERS)
def test_what_is_genuine_is_read(name: str) -> None:
    """So that what follows does not hold because nothing is ever read."""
    assert answer(DECODERS[name], DECODERS[name].genuine) == "read"


@pytest.mark.parametrize("name", DECODERS)
@one_world
@numbers
def test_what_was_changed_is_read_or_refused_with_a_problem(name: str, number: int) -> None:
    require_answer(name, changed(DECODERS[name], number))


@pytest.mark.parametrize("name", DECODERS)
@one_world
@given(data=st.binary(max_size=500))
def test_any_bytes_are_read_or_refused_with_a_problem(name: str, data: bytes) -> None:
    require_answer(name, data)


@pytest.mark.parametrize("path", EXAMPLES_IN_CORPUS, ids=lambda path: path.stem)
def test_what_was_found_once_is_still_answered(path: Path) -> None:
    require_answer(path.stem.partition(".")[0], path.read_bytes())


@pytest.mark.parametrize("name", DECODERS)
def test_every_decoder_has_examples_in_the_corpus(name: str) -> None:
    assert [path for path in EXAMPLES_IN_CORPUS if path.stem.startswith(f"{name}.")]


def test_nothing_that_travels_is_compressed() -> None:
    """So no short message can swell: nothing but the demo, which makes pictures, names a compressor."""
    found = []
    for root in (ROOT / "src", ROOT / "services"):
        for path in set(root.rglob("*.py")) - DEMO:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                if any(name.partition(".")[0] in DECOMPRESSORS for name in names):
                    found.append(str(path.relative_to(ROOT)))
    assert found == []
