"""Problems: every one tells a person what is wrong and what to do, and a program what it was."""

from __future__ import annotations

import ast
import pkgutil
import string
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import hallnet
from hallnet.problems import Kind, Problem, all_problems, problem

ROOT = Path(__file__).parents[2]
SOURCES = [*(ROOT / "src").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
PERSONAL = {
    "name",
    "phone",
    "applicant",
    "client",
    "person",
    "document_number",
    "identity_number",
    "query_code",
    "password",
}
"""Names of particulars that would carry a person's data into logs and traces."""


def loaded() -> dict[str, type[Problem]]:
    """All problems of all packages: a module registers its own when it is imported."""
    for module in pkgutil.walk_packages(hallnet.__path__, "hallnet."):
        if ".wire." not in module.name and ".migrations" not in module.name and module.ispkg:
            import_module(module.name)
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        if "(Problem)" in text or "(NotAuthentic)" in text:
            parts = source.relative_to(ROOT).with_suffix("").parts
            import_module(".".join(parts[parts.index("hallnet") :]))
    return {
        reason: kind
        for reason, kind in all_problems().items()
        if kind.__module__.startswith("hallnet.")
    }


PROBLEMS = loaded()


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def fields(*sentences: str) -> set[str]:
    return {
        name
        for sentence in sentences
        for _, name, _, _ in string.Formatter().parse(sentence)
        if name is not None
    }


def in_english(kind: type[Problem]) -> set[str]:
    return fields(kind.en, kind.en_remedy)


def in_chinese(kind: type[Problem]) -> set[str]:
    return fields(kind.zh, kind.zh_remedy)


each = pytest.mark.parametrize("kind", PROBLEMS.values(), ids=PROBLEMS.keys())


def test_the_problems_of_all_services_are_looked_at() -> None:
    parts = {kind.__module__.split(".")[1] for kind in PROBLEMS.values()}
    assert {"places", "codec", "trust", "federation", "case", "store", "sandbox"} <= parts


@each
def test_a_problem_is_told_in_both_languages(kind: type[Problem]) -> None:
    assert all(text.strip() for text in (kind.zh, kind.zh_remedy, kind.en, kind.en_remedy))
    assert is_chinese(kind.zh)
    assert is_chinese(kind.zh_remedy)
    assert not is_chinese((kind.en + kind.en_remedy).replace("行政许可法", ""))
    assert isinstance(kind.kind, Kind)
    assert kind.__doc__


@each
def test_a_sentence_does_not_bring_its_own_full_stop(kind: type[Problem]) -> None:
    """The full stops are added where the sentences are joined."""
    for text in (kind.zh, kind.zh_remedy, kind.en, kind.en_remedy):
        assert not text.endswith(("。", ".")), text


@each
def test_a_reason_is_a_stable_word_in_capitals(kind: type[Problem]) -> None:
    assert kind.reason.replace("_", "").isalpha()
    assert kind.reason == kind.reason.upper()


@each
def test_both_languages_tell_the_same_particulars(kind: type[Problem]) -> None:
    assert in_chinese(kind) == in_english(kind)


@each
def test_a_problem_can_be_told_from_its_particulars(kind: type[Problem]) -> None:
    particulars = {name: f"<{name}>" for name in in_english(kind)}
    found = kind("somewhere", **particulars)
    assert found.where == "somewhere"
    assert found.particulars == particulars
    for told in (found.in_english(), found.in_chinese()):
        assert all(value in told for value in particulars.values())
        assert not set("{}") & set(told)
    assert str(found) == found.in_english()


@each
def test_no_particular_names_a_person(kind: type[Problem]) -> None:
    """The sentences go to logs and traces."""
    assert not in_english(kind) & PERSONAL


def raised() -> Iterator[tuple[str, type[Problem], set[str]]]:
    """Every place in the code that makes a problem, and the particulars that it gives."""
    by_name = {kind.__name__: kind for kind in PROBLEMS.values()}
    assert len(by_name) == len(PROBLEMS), "two problems of one name cannot be told apart here"
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else called
            if name in by_name and all(keyword.arg for keyword in node.keywords):
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                yield f"{source}:{node.lineno}", by_name[name], given


def test_every_place_that_raises_a_problem_gives_the_particulars_of_its_sentences() -> None:
    places = list(raised())
    assert len(places) > 100
    wrong = [
        f"{place} {kind.__name__}: {sorted(given ^ in_english(kind))}"
        for place, kind, given in places
        if given != in_english(kind)
    ]
    assert not wrong


def test_two_problems_cannot_have_one_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "_REGISTER", dict(all_problems()))
    body = {"reason": "A_REASON_OF_THIS_TEST", "__module__": "hallnet.one"}
    type("First", (Problem,), dict(body))
    with pytest.raises(TypeError, match="A_REASON_OF_THIS_TEST"):
        type("Second", (Problem,), dict(body))


def test_two_problems_of_the_same_name_in_two_modules_cannot_have_one_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(problem, "_REGISTER", dict(all_problems()))
    body = {"reason": "A_REASON_OF_THIS_TEST"}
    type("Same", (Problem,), body | {"__module__": "hallnet.one"})
    with pytest.raises(TypeError, match="A_REASON_OF_THIS_TEST"):
        type("Same", (Problem,), body | {"__module__": "hallnet.two"})


def test_braces_in_a_particular_are_only_text() -> None:
    kind = PROBLEMS["ADDRESS_MALFORMED"]
    found = kind("address", text="{where.__class__}")
    assert "{where.__class__}" in found.in_english()
    assert "{where.__class__}" in found.in_chinese()
