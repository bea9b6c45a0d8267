"""Who hid facts, gave false papers, or got a licence by deceit or bribery (行政许可法 articles 69, 78 and 79)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from hallnet.case import command as commands
from hallnet.case.case import Case
from hallnet.case.context import Context, require_possible, require_text
from hallnet.case.event import Fact
from hallnet.case.fact import BarLifted, DeceitFound, RefusalRecalled
from hallnet.case.item import TaskType
from hallnet.case.power import Power
from hallnet.case.problems import ActNotPossible
from hallnet.case.rules.problems import ApplicantBarred, NoLicence
from hallnet.case.stage import NAMES, Stage
from hallnet.places import Address

IN_APPLYING, IN_OBTAINING = "行政许可法第七十八条", "行政许可法第七十九条"
YEARS_BARRED = {IN_APPLYING: 1, IN_OBTAINING: 3}


def deceit_found(article: str, context: Context) -> DeceitFound:
    """The finding that goes with a refusal or a revocation. Raises NoLicence where these articles do not apply."""
    item = context.item
    if item.task_type is not TaskType.LICENCE:
        raise NoLicence("deceit", item=item.name)
    if not item.concerns_safety:
        return DeceitFound(article, None)
    return DeceitFound(article, _years_after(context.today, YEARS_BARRED[article]))


def lift_bar(case: Case, command: commands.LiftBar, context: Context) -> list[Fact]:
    """What was found wrongly is taken back by a head of the hall that found it, with a reason."""
    context.require(Power.HEAD)
    require_possible(case, BarLifted, "撤销不得再次申请的限制")
    if not _found_by(case, context.here):
        context.require_competent(case)
    if standing_bar(case) is None:
        raise ActNotPossible("case_id", stage=NAMES[case.stage], act="撤销不存在的申请限制")
    require_text(command.reason, "reason")
    return [BarLifted(command.reason)]


def may_lift(case: Case, here: Address) -> bool:
    return standing_bar(case) is not None and _found_by(case, here)


def standing_bar(case: Case) -> DeceitFound | None:
    """What bars the applicant because of this case; a recalled refusal bars nobody."""
    found = case.newest(DeceitFound)
    if found is None or case.mark_after(found, BarLifted, RefusalRecalled) is not None:
        return None
    assert isinstance(found.fact, DeceitFound)
    return found.fact if found.fact.barred_until is not None else None


def require_not_barred(context: Context) -> None:
    """Raises ApplicantBarred on each day of the bar, the last one included."""
    bar = context.bar
    if bar is not None and bar.barred_until is not None and context.today <= bar.barred_until:
        raise ApplicantBarred(
            "applicant.document_number",
            item=context.item.name,
            until=bar.barred_until,
            article=bar.article,
        )


def _found_by(case: Case, here: Address) -> bool:
    """Who declined has the case since; who refused or revoked is the hall that is competent."""
    return case.stage is Stage.DECLINED or case.competent_hall == here


def _years_after(day: date, years: int) -> date:
    """The same day of the month, or the last one of a shorter month (民法典 article 202). No day off moves it:
    that would bar longer than the law does."""
    year = day.year + years
    return date(year, day.month, min(day.day, monthrange(year, day.month)[1]))
