"""Policy: where places differ, how it is done here (content of a policy release).

What a policy does not say is as the law or the common practice has it; the properties give that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hallnet.case.fact import GapEnd
from hallnet.case.item import TimeLimit, TimeUnit
from hallnet.codec import Codec
from hallnet.wire.case.v1 import policy_pb2 as wire


class LegSilence(IntEnum):
    """What it means when a leg of a joint case says nothing within its limit."""

    WAITS = 1
    AGREES = 2


class KindScheme(IntEnum):
    """By which local names cases are called."""

    FIVE = 1
    SEVEN = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """The fields are those of the wire."""

    gaps_end: GapEnd | None = None
    gaps_limit: TimeLimit | None = None
    prereview_limit: TimeLimit | None = None
    supplement_limit: TimeLimit | None = None
    after_check_limit: TimeLimit | None = None
    leg_silence: LegSilence | None = None
    refusal_report_waived: bool = False
    two_persons_decide: bool = False
    kind_scheme: KindScheme | None = None
    gaps_need_promise: bool = False
    reply_limit: TimeLimit | None = None
    call_back_limit: TimeLimit | None = None
    repair_limit: TimeLimit | None = None
    ticket_enquiry_limit: TimeLimit | None = None
    ticket_request_limit: TimeLimit | None = None
    ticket_complaint_limit: TimeLimit | None = None

    @property
    def prereview(self) -> TimeLimit:
        """安阳市政务服务条例 article 42: one working day."""
        return self.prereview_limit or TimeLimit(1, TimeUnit.WORKING_DAY)

    @property
    def after_check(self) -> TimeLimit:
        """浙江省保障“最多跑一次”改革规定 article 14: sixty working days."""
        return self.after_check_limit or TimeLimit(60, TimeUnit.WORKING_DAY)

    @property
    def when_gaps_stay(self) -> GapEnd:
        """浙江省保障“最多跑一次”改革规定 article 4: the acceptance is taken back."""
        return self.gaps_end or GapEnd.ACCEPTANCE_REVOKED


POLICY: Codec[Policy] = Codec(Policy, wire.Policy)
DEFAULT = Policy()
