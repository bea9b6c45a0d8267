"""Writes the corpus anew: `python -m tests.fuzz.make_corpus`.

Of each decoder the changed examples that reach furthest: one for each way in which it answers.
"""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.decoders import DECODERS, Decoder
from tests.fuzz.mutating import change_bytes_by, mutated

from hallnet.problems import Problem

CORPUS = Path(__file__).parent / "corpus"
NUMBERS = range(400)
EXAMPLE_BYTES_MAX = 8 * 1024


def answer(decoder: Decoder, data: bytes) -> str:
    """What a decoder says to an example: the reason and the place of its problem, or that it reads it."""
    try:
        decoder.read(data)
    except Problem as problem:
        return f"{problem.reason} {problem.where.partition('[')[0]}"
    return "read"


def changed(decoder: Decoder, number: int) -> bytes:
    if decoder.kind is None:
        return change_bytes_by(decoder.genuine, number)
    return mutated(decoder.genuine, decoder.kind, number)


def write() -> None:
    CORPUS.mkdir(exist_ok=True)
    for name, decoder in DECODERS.items():
        answers: set[str] = set()
        for number in NUMBERS:
            data = changed(decoder, number)
            said = answer(decoder, data)
            if said not in answers and len(data) <= EXAMPLE_BYTES_MAX:
                answers.add(said)
                (CORPUS / f"{name}.{number}.bin").write_bytes(data)


if __name__ == "__main__":
    write()
