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
class RatingIndicator:
    """One thing that is rated (评价指标)."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class RatingIndicators:
    """An edition of what is asked beside the level of a rating, at the hall and over the network."""

    version: str
    on_site: tuple[RatingIndicator, ...]
    online: tuple[RatingIndicator, ...]


USUAL_INDICATORS = RatingIndicators(
    "usual-1",
    (
        RatingIndicator("601", "整体评价"),
        RatingIndicator("602", "办事效率"),
        RatingIndicator("603", "业务水平"),
        RatingIndicator("604", "服务态度"),
    ),
    (
        RatingIndicator("501", "整体评价"),
        RatingIndicator("502", "办事效率"),
        RatingIndicator("503", "办事指南精确度"),
        RatingIndicator("504", "网上办事便捷度"),
        RatingIndicator("505", "平台操作性"),
    ),
)
"""What provinces ask (国办发〔2019〕51号, GB/T 39735); where others are asked a policy says which."""


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
    personal_request_limit: TimeLimit | None = None
    rating_indicators: RatingIndicators | None = None
    freeze_working_day: int = 0
    matters_untold: bool = False
    materials_taken_again_days: int = 0
    materials_not_taken_again: bool = False
    wrong_secrets_max: int = 0
    wrong_secrets_pause_minutes: int = 0
    password_days: int = 0
    passwords_do_not_age: bool = False
    second_factor_required: bool = False
    unconditional_papers: tuple[str, ...] = ()

    @property
    def indicators(self) -> RatingIndicators:
        """What is asked beside the level of a rating."""
        return self.rating_indicators or USUAL_INDICATORS

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
