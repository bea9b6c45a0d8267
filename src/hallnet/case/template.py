"""Texts of the papers that applicants are given: approved as a release, filled in from the case.

《告知单》报中心审核, 未经同意不得修改: nobody at a window edits a text. What is in force is signed by the hall that
approved it or by one above, has a version, and the paper names it. What the law wants in a paper (the
reasons and the remedies of a refusal, 行政许可法 article 38; all defects at once, article 32) no template
can leave out.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from enum import IntEnum

from hallnet.case.problems import TemplateMalformed
from hallnet.codec import Codec
from hallnet.wire.case.v1 import template_pb2 as wire

TEXT_LENGTH_MAX = 2_000
BUILT_IN_VERSION = "内置"


class PaperKind(IntEnum):
    """The numbers are those of the wire."""

    RECEIPT = 1
    NOTICE = 2
    PREREVIEW_RETURN = 3
    ACCEPTANCE = 4
    ACCEPTANCE_WITH_GAPS = 5
    DECLINE = 6
    GRANT = 7
    REFUSAL = 8
    COMMITMENT = 9
    PROCEDURE = 10
    EXTENSION = 11
    REVOCATION = 12
    END = 13
    RIGHTS = 14


@dataclass(frozen=True, slots=True)
class PaperTemplate:
    """The text of one paper."""

    paper: PaperKind
    text: str


@dataclass(frozen=True, slots=True)
class PaperTemplates:
    """The content of a template release."""

    templates: tuple[PaperTemplate, ...]


TEMPLATES: Codec[PaperTemplates] = Codec(PaperTemplates, wire.PaperTemplates)

BUILT_IN: Mapping[PaperKind, str] = {
    PaperKind.RECEIPT: "已收件。查询码{query_code}，凭办件编号和查询码可随时查询进度。",
    PaperKind.NOTICE: (
        "需要补正，现一次性告知全部内容（{document_no}）：{defects}。补齐后无需重新申请。"
    ),
    PaperKind.PREREVIEW_RETURN: "未通过预审：{defects}。补齐后无需重新填写。",
    PaperKind.ACCEPTANCE: "已受理（{document_no}）。",
    PaperKind.ACCEPTANCE_WITH_GAPS: "已容缺受理（{document_no}）。请在{limit}内补交：{gaps}。",
    PaperKind.DECLINE: "不予受理（{document_no}）：{explanation}。{where}",
    PaperKind.GRANT: "已准予（{document_no}）。{result}",
    PaperKind.REFUSAL: (
        "不予批准（{document_no}）。理由：{reasons}；依据：{legal_basis}。{remedy}"
    ),
    PaperKind.COMMITMENT: "已按告知承诺办理（{document_no}），相应证明无需提交。",
    PaperKind.PROCEDURE: (
        "需进行{name}（{document_no}），所需时间{expected}，{effect}办理期限。原因：{reason}。"
    ),
    PaperKind.EXTENSION: "办理期限延长{by}（{document_no}）。理由：{reason}。",
    PaperKind.REVOCATION: (
        "的决定已撤销（{document_no}）。理由：{reasons}；依据：{legal_basis}。{remedy}"
    ),
    PaperKind.RIGHTS: (
        "关系到{parties}的重大利益（{document_no}）：{interest}。"
        "作出决定前，申请人、利害关系人有权陈述和申辩。{hearing}"
    ),
    PaperKind.END: "已终止办理（{document_no}）。理由：{reasons}。{remedy}",
}
"""What holds where nobody published another text; every field that stands here every text must have."""


def fields_of(text: str) -> set[str]:
    """Names of the fields of a text; raises ValueError if it is no text with plain fields."""
    found = set()
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(name)
        found.add(name)
    return found


def require_templates(templates: PaperTemplates) -> PaperTemplates:
    """Raises TemplateMalformed: a paper twice, a field that there is not, or one that is left out."""
    seen: set[PaperKind] = set()
    for template in templates.templates:
        paper = template.paper.name
        if template.paper in seen:
            raise TemplateMalformed("templates", paper=paper, detail="重复")
        seen.add(template.paper)
        if len(template.text) > TEXT_LENGTH_MAX or "\0" in template.text:
            raise TemplateMalformed("templates", paper=paper, detail=f"超过{TEXT_LENGTH_MAX}字")
        wanted = fields_of(BUILT_IN[template.paper])
        try:
            given = fields_of(template.text)
        except ValueError as error:
            raise TemplateMalformed(
                "templates", paper=paper, detail=f"花括号有误：{error}"
            ) from error
        if given != wanted:
            wrong = "、".join(sorted(given ^ wanted))
            raise TemplateMalformed("templates", paper=paper, detail=f"缺少或多出字段{wrong}")
    return templates


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts in force at a hall, and the version that a paper names."""

    version: str
    """Author and number of the release, for example 3301-2; 内置 where there is none."""
    texts: Mapping[PaperKind, str]

    def fill(self, paper: PaperKind, document_no: str = "", **fields: str) -> str:
        """The text of a paper; beside its number stands the version of a text that was released."""
        if document_no:
            released = paper in self.texts and self.version != BUILT_IN_VERSION
            number = f"{document_no}，文本{self.version}" if released else document_no
            fields["document_no"] = number
        return self.texts.get(paper, BUILT_IN[paper]).format_map(fields)


def texts_of(templates: PaperTemplates, version: str) -> Texts:
    """Of a release that was checked before."""
    return Texts(version, {one.paper: one.text for one in templates.templates})


BUILT_IN_TEXTS = Texts(BUILT_IN_VERSION, {})


def differences(before: PaperTemplates, after: PaperTemplates) -> list[str]:
    """What changes, line by line, paper by paper; what a side does not have is the built-in text."""
    old, new = ({one.paper: one.text for one in side.templates} for side in (before, after))
    lines: list[str] = []
    for paper, built_in in BUILT_IN.items():
        lines += unified_diff(
            _lines(old.get(paper, built_in)),
            _lines(new.get(paper, built_in)),
            fromfile=f"{paper.name} before",
            tofile=f"{paper.name} after",
            lineterm="",
        )
    return lines


def _lines(text: str) -> list[str]:
    """A sentence is a line, so that a change is seen where it is."""
    return text.replace("。", "。\n").splitlines()
