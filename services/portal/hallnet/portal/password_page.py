"""The page on which who is signed in chooses another password."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from hallnet.case.problems import ActorUnknown
from hallnet.node.client import problems_raised
from hallnet.portal.entrance import STATUS_OF_WRONG, home_of
from hallnet.portal.forms import Troubles
from hallnet.portal.session import PASSWORD_PATH, Session
from hallnet.portal.site import STATUS, Visit, go
from hallnet.problems import Kind, Reported
from hallnet.window.guessing import WrongTooOften
from hallnet.window.passwords import PasswordDue, PasswordWeak
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_WHY = {
    PasswordDue.GIVEN: "现在的密码由他人设定，请先改为只有您本人知道的密码。",
    PasswordDue.OLD: "现在的密码已到更换期限，请先修改。",
}
_FIELD_OF = {
    ActorUnknown.reason: "old_password",
    WrongTooOften.reason: "old_password",
    PasswordWeak.reason: "new_password",
}


async def form(visit: Visit) -> Response:
    return _page(visit, {})


async def change(visit: Visit) -> Response:
    new = visit.form.secret("new_password")
    if new != visit.form.secret("again"):
        return _page(visit, {"again": "两次输入的新密码不一致"}, STATUS[Kind.INVALID])
    request = wire.ChangePasswordRequest(
        actor_id=visit.account.actor_id,
        old_password=visit.form.secret("old_password"),
        new_password=new,
    )
    try:
        with problems_raised():
            changed = await visit.desk.intake.ChangePassword(request)
    except Reported as refusal:
        field = _FIELD_OF.get(refusal.reason)
        if field is None:
            raise
        wrong = refusal.reason == ActorUnknown.reason
        text = "原密码不正确" if wrong else refusal.in_chinese()
        status = STATUS_OF_WRONG.get(refusal.reason, STATUS[refusal.kind])
        return _page(visit, {field: text}, status)
    account = replace(visit.account, password_due=0, password_mark=changed.password_mark)
    answer = go(f"{PASSWORD_PATH}?done=changed")
    session = Session.open(visit.now, account, visit.session.device_id)
    visit.site.sessions.write(answer, session)
    return answer


def _page(visit: Visit, troubles: Troubles, status: int = 200) -> Response:
    due = visit.account.password_due
    why = _WHY[PasswordDue(due)] if due else ""
    return visit.show(
        "password.html",
        status,
        troubles=troubles,
        why=why,
        is_done=visit.query("done") == "changed",
        home=home_of(visit.account),
    )
