"""What a clerk types is taken for what it looks like, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.case.sought import (
    Sought,
    SoughtBy,
    normal_document_number,
    normal_name,
    normal_phone,
    sought,
)

NUMBER = "11010519491231002X"


@pytest.mark.parametrize(
    ("typed", "by", "text"),
    [
        ("王芳", SoughtBy.NAME, "王芳"),
        (" 王 芳 ", SoughtBy.NAME, "王芳"),
        ("𠮷㛃", SoughtBy.NAME, "𠮷㛃"),
        ("买买提•艾力", SoughtBy.NAME, "买买提·艾力"),
        ("JOHN SMITH", SoughtBy.NAME, "johnsmith"),
        (NUMBER, SoughtBy.DOCUMENT_NUMBER, NUMBER),
        (NUMBER.lower(), SoughtBy.DOCUMENT_NUMBER, NUMBER),
        ("１１０１０５１９４９１２３１００２Ｘ", SoughtBy.DOCUMENT_NUMBER, NUMBER),
        ("110105 19491231 002x", SoughtBy.DOCUMENT_NUMBER, NUMBER),
        ("110105491231002", SoughtBy.DOCUMENT_NUMBER, "110105491231002"),
        ("e12345678", SoughtBy.DOCUMENT_NUMBER, "E12345678"),
        ("13900000000", SoughtBy.PHONE, "13900000000"),
        ("+86 139-0000-0000", SoughtBy.PHONE, "13900000000"),
        ("１３９００００００００", SoughtBy.PHONE, "13900000000"),
        ("0571-64810000", SoughtBy.PHONE, "057164810000"),
        ("330127101-20261122-0007", SoughtBy.CASE_NUMBER, "330127101-20261122-0007"),
        ("330110-shebao-2026", SoughtBy.CASE_NUMBER, "330110-shebao-2026"),
        ("3301", SoughtBy.CASE_NUMBER, "3301"),
    ],
)
def test_a_text_is_taken_for_what_its_form_says(typed: str, by: SoughtBy, text: str) -> None:
    assert sought(typed) == Sought(by, text)


@pytest.mark.parametrize("typed", ["", " ", "\u3000"])
def test_nothing_typed_finds_nothing(typed: str) -> None:
    assert sought(typed) is None


@given(st.text(max_size=40))
def test_a_normal_form_stays_as_it_is(text: str) -> None:
    for normal in (normal_name, normal_document_number, normal_phone):
        assert normal(normal(text)) == normal(text)


@given(st.text(max_size=60))
def test_any_text_is_taken_for_something_or_nothing(text: str) -> None:
    found = sought(text)
    assert found is None or isinstance(found.by, SoughtBy)
