"""Texts of papers: what is approved holds, what the law wants stays in, nobody writes freely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.case.problems import TemplateMalformed
from hallnet.case.release_files import read_templates, supplied_templates
from hallnet.case.template import (
    BUILT_IN,
    BUILT_IN_TEXTS,
    BUILT_IN_VERSION,
    TEMPLATES,
    TEXT_LENGTH_MAX,
    PaperKind,
    PaperTemplate,
    PaperTemplates,
    differences,
    fields_of,
    require_templates,
    texts_of,
)

NOTICE = "请补正（{document_no}）：{defects}。"


def of(paper: PaperKind, text: str) -> PaperTemplates:
    return PaperTemplates((PaperTemplate(paper, text),))


def test_every_paper_has_a_built_in_text_that_may_itself_be_released() -> None:
    assert set(BUILT_IN) == set(PaperKind)
    every = PaperTemplates(tuple(PaperTemplate(paper, text) for paper, text in BUILT_IN.items()))
    assert require_templates(every) == every
    assert read_templates(supplied_templates()) == every
    assert TEMPLATES.from_bytes(TEMPLATES.to_bytes(every)) == every
    assert differences(PaperTemplates(()), every) == []


@pytest.mark.parametrize(
    ("paper", "field"),
    [
        (PaperKind.NOTICE, "defects"),
        (PaperKind.REFUSAL, "reasons"),
        (PaperKind.REFUSAL, "legal_basis"),
        (PaperKind.REFUSAL, "remedy"),
        (PaperKind.EXTENSION, "reason"),
        (PaperKind.PROCEDURE, "expected"),
        (PaperKind.RIGHTS, "hearing"),
    ],
)
def test_no_template_leaves_out_what_the_law_wants(paper: PaperKind, field: str) -> None:
    """行政许可法 articles 32, 38, 42 and 45."""
    text = BUILT_IN[paper].replace("{" + field + "}", "")
    with pytest.raises(TemplateMalformed) as refused:
        require_templates(of(paper, text))
    assert field in refused.value.in_chinese()


@pytest.mark.parametrize(
    "text",
    [
        "{document_no}{defects}{secret}",
        "{document_no.__class__}{defects}",
        "{document_no!r}{defects}",
        "{document_no:>999999999}{defects}",
        "{document_no}{defects}{",
        "{document_no}{defects}{}",
        "{0}{document_no}{defects}",
        NOTICE + "x" * TEXT_LENGTH_MAX,
        NOTICE + "\0",
    ],
    ids=["unknown", "attribute", "conversion", "width", "brace", "empty", "index", "long", "nul"],
)
def test_what_cannot_be_filled_in_safely_is_refused(text: str) -> None:
    with pytest.raises(TemplateMalformed):
        require_templates(of(PaperKind.NOTICE, text))


def test_a_paper_twice_is_refused() -> None:
    one = PaperTemplate(PaperKind.NOTICE, NOTICE)
    with pytest.raises(TemplateMalformed):
        require_templates(PaperTemplates((one, one)))


@pytest.mark.parametrize("text", ["", "[]", "UNKNOWN: x", "NOTICE: 7", "NOTICE: {", "NOTICE: x"])
def test_what_is_no_file_of_templates_is_refused(text: str) -> None:
    with pytest.raises(TemplateMalformed):
        read_templates(text)


def test_a_paper_names_the_version_of_its_text_and_others_stay_built_in() -> None:
    texts = texts_of(of(PaperKind.NOTICE, NOTICE), "3301-2")
    assert texts.fill(PaperKind.NOTICE, "补正-1", defects="户口簿") == (
        "请补正（补正-1，文本3301-2）：户口簿。"
    )
    assert texts.fill(PaperKind.ACCEPTANCE, "受-1") == "已受理（受-1）。"
    assert BUILT_IN_TEXTS.version == BUILT_IN_VERSION


@given(st.text(max_size=80))
def test_what_a_clerk_typed_is_filled_in_and_never_read_as_a_template(typed: str) -> None:
    told = BUILT_IN_TEXTS.fill(PaperKind.NOTICE, "补正-1", defects=typed)
    assert told == BUILT_IN[PaperKind.NOTICE].replace("{document_no}", "补正-1").replace(
        "{defects}", typed
    )


@given(st.sampled_from(list(PaperKind)))
def test_the_built_in_texts_fill_without_anything_left_open(paper: PaperKind) -> None:
    names = fields_of(BUILT_IN[paper]) - {"document_no"}
    told = BUILT_IN_TEXTS.fill(paper, "X-1", **dict.fromkeys(names, "某"))
    assert "{" not in told


def test_what_changes_is_shown_paper_by_paper() -> None:
    before = of(PaperKind.NOTICE, NOTICE)
    after = replace(before, templates=(PaperTemplate(PaperKind.NOTICE, NOTICE + "谢谢。"),))
    shown = differences(before, after)
    assert shown[:2] == ["--- NOTICE before", "+++ NOTICE after"]
    assert [line for line in shown if line.startswith("+")][1:] == ["+谢谢。"]
    assert differences(before, before) == []
