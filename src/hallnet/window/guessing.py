"""How often a secret may be wrong: passwords of accounts, query codes of cases.

GB/T 22239-2019, 8.1.4.1 b) asks for a bound on failed sign-ins. A secret that was wrong a few times in a row is
for a while not looked at, right or wrong, so that nobody learns which it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from hallnet.case.policy import Policy
from hallnet.problems import Kind, Problem

USUAL_WRONG_MAX = 5
POLICY_WRONG_MAX = 20
"""A policy may allow so many and no more."""
USUAL_PAUSE_MINUTES = 30
PAUSE_MINUTES_MAX = 24 * 60


class WrongTooOften(Problem):
    """A password or a query code was wrong too often to be looked at now."""

    kind = Kind.EXHAUSTED
    reason = "WRONG_TOO_OFTEN"
    zh = "连续输错次数过多，暂时不能再试"
    zh_remedy = "请在{minutes}分钟后再试；忘记密码的，请联系本厅管理员重设"
    en = "It was wrong too often, so for a while it cannot be tried"
    en_remedy = "Come back in {minutes} minutes; who forgot a password has the operator of the hall set a new one"


@dataclass(frozen=True, slots=True)
class Tries:
    """How often in a row one secret was tried and was not right, and when last."""

    wrong: int = 0
    last_at: datetime | None = None

    def one_more(self, policy: Policy, now: datetime) -> Tries:
        """With a try that begins now and counts as wrong until it was right; raises WrongTooOften."""
        most = min(policy.wrong_secrets_max or USUAL_WRONG_MAX, POLICY_WRONG_MAX)
        before = 0 if self._is_forgotten(policy, now) else self.wrong
        if before >= most:
            raise WrongTooOften(minutes=self._minutes_left(policy, now))
        return Tries(before + 1, now)

    def _is_forgotten(self, policy: Policy, now: datetime) -> bool:
        return self.last_at is None or now - self.last_at >= pause(policy)

    def _minutes_left(self, policy: Policy, now: datetime) -> int:
        assert self.last_at is not None
        return max(math.ceil((self.last_at + pause(policy) - now) / timedelta(minutes=1)), 1)


def pause(policy: Policy) -> timedelta:
    """After so long it is as if nothing had been tried."""
    minutes = policy.wrong_secrets_pause_minutes or USUAL_PAUSE_MINUTES
    return timedelta(minutes=min(minutes, PAUSE_MINUTES_MAX))
