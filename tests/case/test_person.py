"""People: identity numbers that catch a slip of the pen, and names that are not shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.case.builders import APPLICANT, NEIGHBOUR, ORGANISATION, identity_number

from hallnet.case.person import (
    PERSONAL_DOCUMENTS,
    Person,
    require_identity_number,
    require_person,
)
from hallnet.case.problems import (
    DocumentKindUnknown,
    IdentityNumberCheckDigit,
    IdentityNumberMalformed,
    NameMissing,
    RepresentativeMissing,
)
from hallnet.problems import Problem

NUMBERS = st.builds(
    lambda division, birth, order: identity_number(f"{division:06}{birth:%Y%m%d}{order:03}"),
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
)


@pytest.mark.parametrize("number", ["11010519491231002X", "440308199901101512"])
def test_the_numbers_of_the_standard_are_taken(number: str) -> None:
    """GB 11643."""
    require_identity_number(number, "number")


@given(NUMBERS)
def test_a_number_with_its_check_character_is_taken_also_of_an_abolished_division(
    number: str,
) -> None:
    require_identity_number(number, "number")


def is_taken(number: str) -> bool:
    try:
        require_identity_number(number, "number")
    except (IdentityNumberMalformed, IdentityNumberCheckDigit):
        return False
    return True


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_single_wrong_character_is_caught(number: str, place: int, wrong: str) -> None:
    assume(number[place] != wrong)
    assert not is_taken(number[:place] + wrong + number[place + 1 :])


@given(NUMBERS, st.integers(0, 16))
def test_any_two_neighbours_exchanged_are_caught(number: str, place: int) -> None:
    assume(number[place] != number[place + 1])
    exchanged = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert not is_taken(exchanged)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "1101051949123100",
        "11010519491231002",
        "11010519491231002x",
        "11010519491231002XX",
        "110105491231002",
        " 11010519491231002X",
        "11010519491231002X\n",
        "11010519491231-02X",
        "X1010519491231002X",
        identity_number("11010519491331002"),
        identity_number("11010519490230002"),
        identity_number("11010519490229002"),
        identity_number("11010500001231002"),
        identity_number("11010519490031002"),
        "１１０１０５１９４９１２３１００２X",
        "1101051949123100２X",
    ],
)
def test_a_number_of_another_form_or_with_an_impossible_birthday_is_malformed(number: str) -> None:
    with pytest.raises(IdentityNumberMalformed) as malformed:
        require_identity_number(number, "applicant.document_number")
    assert malformed.value.where == "applicant.document_number"


def test_a_leap_day_is_a_birthday() -> None:
    require_identity_number(identity_number("11010520000229002"), "number")


def test_a_number_whose_check_character_does_not_fit_is_told_apart_from_a_malformed_one() -> None:
    with pytest.raises(IdentityNumberCheckDigit):
        require_identity_number("110105194912310021", "number")


@given(st.text(max_size=30))
def test_no_problem_repeats_the_number(number: str) -> None:
    """What a person typed into the field must not end in a log."""
    assume(len(number) > 5)
    problem: Problem | None = None
    try:
        require_identity_number(number, "number")
    except (IdentityNumberMalformed, IdentityNumberCheckDigit) as raised:
        problem = raised
    assert problem is not None
    assert number not in problem.in_chinese() + problem.in_english()


def test_a_person_needs_a_name_and_a_known_document() -> None:
    require_person(APPLICANT, "applicant")
    for name in ("", " ", "\u3000"):
        with pytest.raises(NameMissing) as missing:
            require_person(replace(APPLICANT, name=name), "applicant")
        assert missing.value.where == "applicant.name"
    with pytest.raises(DocumentKindUnknown) as unknown:
        require_person(replace(APPLICANT, document_kind="999"), "client")
    assert unknown.value.where == "client.document_kind"
    with pytest.raises(IdentityNumberCheckDigit) as wrong:
        require_person(replace(APPLICANT, document_number="110105194912310021"), "applicant")
    assert wrong.value.where == "applicant.document_number"


@pytest.mark.parametrize("kind", sorted(set(PERSONAL_DOCUMENTS) - {"111"}))
def test_of_a_persons_papers_only_the_number_of_an_identity_card_is_checked(kind: str) -> None:
    require_person(replace(APPLICANT, document_kind=kind, document_number="E12345678"), "applicant")


@pytest.mark.parametrize("code", ["11440232MB2D06811W", "91610800064834709T"])
def test_an_organisation_applies_with_its_credit_code_and_who_represents_it(code: str) -> None:
    """GB 32100."""
    require_person(replace(ORGANISATION, document_number=code), "applicant")
    with pytest.raises(RepresentativeMissing) as nobody:
        require_person(replace(ORGANISATION, document_number=code, representative=" "), "applicant")
    assert nobody.value.where == "applicant.representative"


@given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_any_single_wrong_character_of_a_credit_code_is_caught(place: int, wrong: str) -> None:
    code = ORGANISATION.document_number
    assume(code[place] != wrong)
    with pytest.raises(Problem) as refused:
        require_person(
            replace(ORGANISATION, document_number=code[:place] + wrong + code[place + 1 :]),
            "applicant",
        )
    assert refused.value.where == "applicant.document_number"


def test_the_name_of_an_organisation_is_public() -> None:
    assert ORGANISATION.masked_name == ORGANISATION.name


@pytest.mark.parametrize(
    ("name", "masked"),
    [("章三", "章*"), ("欧阳修文", "欧***"), ("章", "章*"), ("", "*"), ("Ann Lee", "A******")],
)
def test_of_a_name_the_first_character_is_shown(name: str, masked: str) -> None:
    assert replace(APPLICANT, name=name).masked_name == masked


@given(st.text(min_size=2))
def test_a_masked_name_does_not_tell_the_rest(name: str) -> None:
    masked = Person(name, "111", "", "", "").masked_name
    assert set(masked[1:]) == {"*"}
    assert len(masked) == len(name)


def test_the_document_says_who_somebody_is() -> None:
    moved = replace(APPLICANT, name="章三（曾用名）", phone="", address="新址")
    assert APPLICANT.is_same_as(moved)
    assert not APPLICANT.is_same_as(NEIGHBOUR)
    assert not APPLICANT.is_same_as(replace(APPLICANT, document_kind="414"))
