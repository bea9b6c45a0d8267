"""Problems as gRPC statuses and back: google.rpc.Status with ErrorInfo, field violation and texts.

The reason in ErrorInfo is stable; the Chinese text is for the person in front of the screen.
"""

from __future__ import annotations

from typing import cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import aio
from grpc_status import rpc_status

from hallnet.problems import Kind, Problem, Reported
from hallnet.store.sharing import HallBusy

DOMAIN = "hallnet"
RETRY_SECONDS = "retry_seconds"
"""The particular of a problem that says when to come back; it becomes a google.rpc.RetryInfo."""
TOO_MANY_CALLS_RETRY_SECONDS = 5
_TOO_MANY_CALLS = "Concurrent RPC limit"
_CODES = {
    Kind.INVALID: code_pb2.INVALID_ARGUMENT,
    Kind.NOT_FOUND: code_pb2.NOT_FOUND,
    Kind.CONFLICT: code_pb2.FAILED_PRECONDITION,
    Kind.DENIED: code_pb2.PERMISSION_DENIED,
    Kind.UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    Kind.EXHAUSTED: code_pb2.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: code_pb2.UNAVAILABLE,
}
_KINDS = {code: kind for kind, code in _CODES.items()}


class ServiceUnreachable(Problem):
    """A service of the own node does not answer."""

    kind = Kind.UNAVAILABLE
    reason = "SERVICE_UNREACHABLE"
    zh = "本厅服务暂时没有应答（{code}）"
    zh_remedy = "请稍后重试；持续出现时请联系本厅运维人员"
    en = "A service of this hall does not answer ({code})"
    en_remedy = "Try again later; if it goes on, tell the operator of the hall"


def to_status(problem: Problem | Reported) -> status_pb2.Status:
    """What another service reported is passed on as it was told."""
    particulars = problem.particulars if isinstance(problem, Problem) else {}
    details = [
        error_details_pb2.ErrorInfo(reason=problem.reason, domain=DOMAIN, metadata=particulars),
        error_details_pb2.LocalizedMessage(locale="zh-CN", message=problem.in_chinese()),
    ]
    if problem.where:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=problem.where, description=problem.in_chinese(), reason=problem.reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if RETRY_SECONDS in particulars:
        delay = duration_pb2.Duration(seconds=int(particulars[RETRY_SECONDS]))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        item = any_pb2.Any()
        item.Pack(detail)
        packed.append(item)
    return status_pb2.Status(
        code=_CODES[problem.kind], message=problem.in_english(), details=packed
    )


def from_error(error: aio.AioRpcError) -> Reported:
    """What a failed call says; a call that got no answer says SERVICE_UNREACHABLE."""
    status = rpc_status.from_call(cast(grpc.Call, error))
    if status is None:
        problem: Problem = ServiceUnreachable(code=error.code().name)
        if _TOO_MANY_CALLS in (error.details() or ""):
            # The server turns away what comes beyond its bound before it looks at it.
            problem = HallBusy(waiting="…", retry_seconds=TOO_MANY_CALLS_RETRY_SECONDS)
        return Reported(
            problem.kind, problem.reason, problem.in_chinese(), problem.in_english(), ""
        )
    info = error_details_pb2.ErrorInfo()
    text = error_details_pb2.LocalizedMessage()
    bad = error_details_pb2.BadRequest()
    for detail in status.details:
        for target in (info, text, bad):
            if detail.Is(target.DESCRIPTOR):
                detail.Unpack(target)
    where = bad.field_violations[0].field if bad.field_violations else ""
    return Reported(
        _KINDS.get(status.code, Kind.UNAVAILABLE),
        info.reason,
        text.message or status.message,
        status.message,
        where,
    )
