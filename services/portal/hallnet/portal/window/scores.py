"""Score sheets: a total is nothing but rules applied to evidence, reckoned anew at every look."""

from __future__ import annotations

from urllib.parse import urlencode

from hallnet.portal.inputs import Input, choosing
from hallnet.portal.site import Audience, Visit
from hallnet.portal.window.board import (
    Board,
    Cell,
    Deed,
    Doing,
    Offer,
    Page,
    Row,
    Section,
    asked,
    listed,
)
from hallnet.portal.window.parsing import lines
from hallnet.window.problems import ScoreSheetMalformed
from hallnet.wire.window.v1 import window_pb2 as wire_window
from hallnet.wire.window.v1 import window_service_pb2 as wire


async def _publish(doing: Doing) -> None:
    text = doing.text
    rules = []
    for words in lines(text("rules"), "rules", range(4, 5)):
        if not (words[1].isdecimal() and words[2].isdecimal()):
            raise ScoreSheetMalformed("rules", detail=f"细则{words[0][:20]}的分值不是数字")
        rules.append(
            wire_window.ScoreRule(
                rule_id=words[0], points=int(words[1]), taken_each=int(words[2]), words=words[3]
            )
        )
    sheet = wire_window.ScoreSheet(
        sheet_id=text("sheet_id"),
        full_score=doing.form.number("full_score"),
        pass_score=doing.form.number("pass_score"),
        rules=rules,
    )
    await doing.visit.desk.window.PutScoreSheet(
        wire.PutScoreSheetRequest(act=doing.act, sheet=sheet)
    )


async def _prove(doing: Doing) -> str:
    text = doing.text
    return await _put(
        doing,
        wire_window.Evidence(
            evidence_id=text("evidence_id"), rule_id=text("rule"), reference=text("reference")
        ),
    )


async def _set_aside(doing: Doing) -> str:
    scoring = await _scoring(doing.visit, asked(doing.visit, "sheet"))
    piece = next(
        (one for one in scoring.evidence if one.evidence_id == doing.of), wire_window.Evidence()
    )
    piece.set_aside = not piece.set_aside
    return await _put(doing, piece)


async def _put(doing: Doing, piece: wire_window.Evidence) -> str:
    sheet_id = asked(doing.visit, "sheet")
    answer = await doing.visit.desk.window.PutEvidence(
        wire.PutEvidenceRequest(act=doing.act, sheet_id=sheet_id, evidence=piece)
    )
    return f"现为{answer.score.total}分，{'合格' if answer.score.passed else '不合格'}。"


async def _compare(doing: Doing) -> str:
    await doing.visit.desk.window.GetScore(
        wire.GetScoreRequest(sheet_id=doing.of, claimed=doing.form.number("total"))
    )
    return "与证据一致。"


_PUBLISH = Deed(
    "publish",
    "发布考核表",
    "考核表已发布。",
    _publish,
    (
        Input("sheet_id", "考核表名称", hint="例如 2026年12月 1号窗口"),
        Input("full_score", "满分", "number", default="1000"),
        Input("pass_score", "合格分", "number", default="900"),
        Input(
            "rules", "细则", "area", hint="每行：编号 分值 每条证据扣分 内容；各项合计须等于满分"
        ),
    ),
    explanation="发布后不能更改；得分只由证据算出，不能填写。",
)
_PROVE = Deed(
    "prove",
    "登记证据",
    "",
    _prove,
    (
        Input("evidence_id", "证据编号"),
        Input("rule", "细则", "select"),
        Input("reference", "证据在哪里"),
    ),
)
_SET_ASIDE = Deed("set-aside", "申诉后撤除或恢复", "", _set_aside)
_COMPARE = Deed(
    "compare", "核对上报的得分", "", _compare, (Input("total", "上报的得分", "number"),)
)


async def _scoring(visit: Visit, sheet_id: str) -> wire_window.Scoring:
    found = await listed(visit, wire.RECORD_KIND_SCORE)
    for one in found:
        if one.scoring.sheet.sheet_id == sheet_id:
            return one.scoring
    return wire_window.Scoring()


async def board(visit: Visit) -> Board:
    """The sheets with their totals; of one that was chosen, its lines and its evidence."""
    sheets = [one.scoring for one in await listed(visit, wire.RECORD_KIND_SCORE)]
    chosen = asked(visit, "sheet")
    sections = [
        part
        for one in sheets
        if one.sheet.sheet_id == chosen
        for part in await _of_sheet(visit, one)
    ]
    overview = Section(
        "考核表",
        ("考核表", "满分", "合格分", "证据"),
        [
            Row(
                (
                    Cell(
                        one.sheet.sheet_id,
                        at="/window/scores?" + urlencode({"sheet": one.sheet.sheet_id}),
                    ),
                    Cell(str(one.sheet.full_score)),
                    Cell(str(one.sheet.pass_score)),
                    Cell(f"{len(one.evidence)}条"),
                )
            )
            for one in sheets
        ],
        [Offer(_PUBLISH)],
        nothing="还没有考核表。",
        folded=True,
    )
    return Board("考核", [*sections, overview])


async def _of_sheet(visit: Visit, scoring: wire_window.Scoring) -> list[Section]:
    sheet = scoring.sheet
    request = wire.GetScoreRequest(sheet_id=sheet.sheet_id, claimed=-1)
    score = (await visit.desk.window.GetScore(request)).score
    said = {rule.rule_id: rule.words for rule in sheet.rules}
    choose = choosing(_PROVE.inputs, {"rule": said})
    verdict = "合格" if score.passed else "不合格"
    lines_ = [
        Row(
            (
                Cell(line.rule_id),
                Cell(said.get(line.rule_id, "")),
                Cell(str(line.points)),
                Cell(str(line.taken), "bad" if line.taken else ""),
                Cell("、".join(line.evidence) or "—"),
            )
        )
        for line in score.lines
    ]
    evidence = [
        Row(
            (
                Cell(piece.evidence_id),
                Cell(said.get(piece.rule_id, piece.rule_id)),
                Cell(piece.reference),
                Cell(
                    "已撤除" if piece.set_aside else "有效", "plain" if piece.set_aside else "work"
                ),
            ),
            [Offer(_SET_ASIDE, piece.evidence_id)],
        )
        for piece in scoring.evidence
    ]
    return [
        Section(
            f"{sheet.sheet_id}：{score.total}分，{verdict}",
            ("细则", "内容", "分值", "扣分", "证据"),
            lines_,
            [Offer(_PROVE, inputs=choose), Offer(_COMPARE, sheet.sheet_id)],
            folded=True,
        ),
        Section("证据", ("编号", "细则", "在哪里", "状态"), evidence, nothing="还没有证据。"),
    ]


PAGE = Page(
    "scores",
    "考核",
    board,
    (_PUBLISH, _PROVE, _SET_ASIDE, _COMPARE),
    Audience.MANAGER,
    kept=("sheet",),
)
