"""Codes: known ones are right, and every wrong place is found and named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.case import codes
from hallnet.case.code_problems import (
    CodeCharacter,
    CodeCheckCharacter,
    CodeDate,
    CodeLength,
    CodePartUnknown,
)
from hallnet.problems import Problem

IDENTITY = "11010519491231002X"
CREDIT = ("11440232MB2D06811W", "11511301008778183N", "91610800064834709T")
CERTIFICATES = (
    "11100000000013338W011.11430000006122244L.20230000403.001.U",
    "11100000MB03271699022.340100.000000016.001.9",
    "11100000000013338W009.11330105002500287C.2025052201.002.0",
)


def wrong(check: Callable[[str, str], None], code: str) -> Problem:
    with pytest.raises(Problem) as caught:
        check(code, "value")
    return caught.value


def test_the_published_identity_number_is_right() -> None:
    codes.require_identity_number(IDENTITY)


@pytest.mark.parametrize(
    ("number", "problem", "says"),
    [
        ("1101051949123100", CodeLength, {"found": "16", "right": "18"}),
        ("110105194912310O2X", CodeCharacter, {"place": "16", "character": "O"}),
        ("11010519491231002x", CodeCharacter, {"place": "18"}),
        ("１１０１０５１９４９１２３１００２X", CodeCharacter, {"place": "1"}),
        ("11010519491331002X", CodeDate, {}),
        ("11010519490229002X", CodeDate, {}),
        ("110105194912310021", CodeCheckCharacter, {"place": "18", "found": "1", "right": "X"}),
    ],
)
def test_what_is_wrong_with_an_identity_number_is_named(
    number: str, problem: type[Problem], says: dict[str, str]
) -> None:
    found = wrong(codes.require_identity_number, number)
    assert isinstance(found, problem)
    assert says.items() <= found.particulars.items()
    assert number not in found.in_chinese() + found.in_english()


def test_an_abolished_division_in_an_identity_number_is_right() -> None:
    body = "51010219491231002"
    codes.require_identity_number(body + codes.identity_check(body))


@pytest.mark.parametrize("code", CREDIT)
def test_credit_codes_of_real_bodies_are_right(code: str) -> None:
    codes.require_credit_code(code)


@pytest.mark.parametrize(
    ("code", "problem", "says"),
    [
        (CREDIT[0][:-1], CodeLength, {"found": "17"}),
        ("I" + CREDIT[0][1:], CodeCharacter, {"place": "1", "character": "I"}),
        ("B" + CREDIT[0][1:], CodePartUnknown, {"text": "B"}),
        (CREDIT[0][:2] + "A" + CREDIT[0][3:], CodeCharacter, {"place": "3"}),
        (CREDIT[0][:-1] + "X", CodeCheckCharacter, {"place": "18", "found": "X", "right": "W"}),
        (CREDIT[0][:16] + "2W", CodeCheckCharacter, {"place": "17", "found": "2", "right": "1"}),
    ],
)
def test_what_is_wrong_with_a_credit_code_is_named(
    code: str, problem: type[Problem], says: dict[str, str]
) -> None:
    found = wrong(codes.require_credit_code, code)
    assert isinstance(found, problem)
    assert says.items() <= found.particulars.items()


def test_the_check_characters_of_published_certificates_are_right() -> None:
    for identifier, check in zip(CERTIFICATES, "U90", strict=True):
        *parts, last = identifier.split(".")
        assert last == check == codes.mod_37_36("".join(parts))


@pytest.mark.parametrize("identifier", CERTIFICATES)
def test_a_certificate_identifier_is_right_with_and_without_its_root(identifier: str) -> None:
    codes.require_certificate_id(identifier)
    codes.require_certificate_id("1.2.156.3005.2." + identifier)


def test_what_is_wrong_with_a_certificate_identifier_is_named() -> None:
    cut = CERTIFICATES[0].rpartition(".")[0]
    assert isinstance(wrong(codes.require_certificate_id, cut), CodePartUnknown)
    found = wrong(codes.require_certificate_id, cut + ".V")
    assert isinstance(found, CodeCheckCharacter)
    assert (found.particulars["found"], found.particulars["right"]) == ("V", "U")


@pytest.mark.parametrize("code", ["33", "3301", "330127", "330127101", "330127101219"])
def test_division_codes_of_every_level_are_right(code: str) -> None:
    codes.require_division_code(code)


@pytest.mark.parametrize(
    ("code", "problem"),
    [("330", CodeLength), ("33O127", CodeCharacter), ("03", CodePartUnknown), ("", CodeLength)],
)
def test_what_is_wrong_with_a_division_code_is_named(code: str, problem: type[Problem]) -> None:
    assert isinstance(wrong(codes.require_division_code, code), problem)


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_of_an_identity_number_is_always_found(place: int, off: int) -> None:
    digits = list(IDENTITY)
    digits[place] = str((int(digits[place]) + off) % 10)
    with pytest.raises((CodeCheckCharacter, CodeDate)):
        codes.require_identity_number("".join(digits))


@given(st.integers(0, 17), st.sampled_from(codes.CREDIT_ALPHABET), st.sampled_from(CREDIT))
def test_one_wrong_character_of_a_credit_code_is_always_found(
    place: int, other: str, code: str
) -> None:
    changed = code[:place] + other + code[place + 1 :]
    if changed != code:
        with pytest.raises(Problem):
            codes.require_credit_code(changed)


@given(st.text(alphabet=codes.ORGANISATION_ALPHABET, min_size=1, max_size=60), st.data())
def test_one_wrong_character_is_always_found_by_mod_37_36(text: str, data: Any) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(codes.ORGANISATION_ALPHABET))
    changed = text[:place] + other + text[place + 1 :]
    assert (codes.mod_37_36(changed) == codes.mod_37_36(text)) == (changed == text)


@given(st.text(max_size=40))
def test_any_text_is_right_or_has_a_named_fault(text: str) -> None:
    for check in (
        codes.require_identity_number,
        codes.require_credit_code,
        codes.require_certificate_id,
        codes.require_division_code,
    ):
        with suppress(Problem):
            check(text, "value")


def run(*words: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "hallnet.cli.main", "check", *words, "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout)


def test_the_command_tells_what_is_wrong() -> None:
    code, told = run("id", IDENTITY[:-1] + "1")
    assert code == 2
    assert told["reason"] == "CODE_CHECK_CHARACTER"
    assert told["details"] == {"place": "18", "found": "1", "right": "X"}
    assert run("uscc", CREDIT[0])[0] == 0
    assert run("certificate", CERTIFICATES[1])[0] == 0
    code, told = run("division", "330127101219")
    assert (code, told["name"]) == (0, "下潘村村民委员会")
    assert run("division", "330999")[1]["reason"] == "DIVISION_UNKNOWN"
