"""Which passwords are good enough, and when one has to be changed (GB/T 22239-2019, 8.1.4.1 a)).

The standard asks for complexity and for changes and names no numbers. Eight characters of three kinds and ninety
days are what assessments ask for; a long password may be of any kinds, for length is what makes guessing hard.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from hallnet.case.policy import Policy
from hallnet.problems import Kind, Problem

CHARACTERS_MIN = 8
CHARACTERS_MAX = 128
KINDS_MIN = 3
LONG_CHARACTERS = 15
"""So long a password may be of any kinds of characters."""
DIFFERENT_CHARACTERS_MIN = 5
NAME_CHARACTERS_MIN = 4
"""Shorter names stand in many words by chance."""
USUAL_DAYS = 90


class PasswordWeak(Problem):
    """A password that is guessed too easily."""

    kind = Kind.INVALID
    reason = "PASSWORD_WEAK"
    zh = "密码不够安全：{detail}"
    zh_remedy = "请使用8至128个字符，含大写字母、小写字母、数字、其他字符中的三种；15个字符以上的不限种类。不要包含账号，也不要与原密码相同"
    en = "The password is guessed too easily: {detail}"
    en_remedy = (
        "Take 8 to 128 characters with three of: capital letters, small letters, digits, others; from 15 characters "
        "on any will do. It may not hold the name of the account, nor be the one before"
    )


class PasswordDue(IntEnum):
    """Why a password has to be changed."""

    GIVEN = 1
    """Somebody else chose it."""
    OLD = 2


def require_good(password: str, actor_id: str, old_password: str = "") -> None:
    """Raises PasswordWeak."""
    if not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX:
        raise PasswordWeak("password", detail=f"{len(password)}个字符")
    if len(password) < LONG_CHARACTERS and len(set(map(_kind, password))) < KINDS_MIN:
        raise PasswordWeak("password", detail="字符种类少于三种")
    if len(set(password)) < DIFFERENT_CHARACTERS_MIN:
        raise PasswordWeak("password", detail="不同的字符太少")
    if len(actor_id) >= NAME_CHARACTERS_MIN and actor_id.casefold() in password.casefold():
        raise PasswordWeak("password", detail="含有账号")
    if password == old_password:
        raise PasswordWeak("password", detail="与原密码相同")


def due(set_at: datetime | None, is_own: bool, policy: Policy, now: datetime) -> PasswordDue | None:
    """Whether a password has to be changed; one of which nobody knows since when is old."""
    if not is_own:
        return PasswordDue.GIVEN
    if policy.passwords_do_not_age:
        return None
    days = timedelta(days=policy.password_days or USUAL_DAYS)
    return PasswordDue.OLD if set_at is None or now - set_at >= days else None


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character.isupper():
        return "capital letter"
    return "small letter" if character.islower() else "other"
