"""Codes that change with time, as a second factor beside the password (RFC 6238; GB/T 22239-2019, 8.1.4.1 d))."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from hallnet.problems import Kind, Problem

KEY_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
STEPS_APART_MAX = 1
"""So far the clock of a phone may be wrong, and so long may typing take."""


class SecondFactorWrong(Problem):
    """The code is missing, wrong, too old, or was used."""

    kind = Kind.UNAUTHENTICATED
    reason = "SECOND_FACTOR_WRONG"
    zh = "动态码未填写、不正确或已使用"
    zh_remedy = "请输入身份验证器当前显示的六位动态码；每个动态码只能使用一次，手机时间须准确"
    en = "The code is missing, wrong or was used"
    en_remedy = "Type the six digits that your authenticator shows now; each counts once, and the phone's clock has to be right"


class SecondFactorNotBegun(Problem):
    """There is no key to be confirmed."""

    kind = Kind.CONFLICT
    reason = "SECOND_FACTOR_NOT_BEGUN"
    zh = "没有待确认的动态码密钥"
    zh_remedy = "请重新开始启用动态码"
    en = "There is no key to be confirmed"
    en_remedy = "Begin once more"


def right_step(key: bytes, code: str, last_step: int, now: datetime) -> int:
    """The step of time to which a code belongs, later than that of the last one; raises SecondFactorWrong."""
    typed = "".join(code.split()).encode()
    present = int(now.timestamp()) // STEP_SECONDS
    codes = _codes(key)
    for step in range(present - STEPS_APART_MAX, present + STEPS_APART_MAX + 1):
        if step > last_step and hmac.compare_digest(codes.generate(step * STEP_SECONDS), typed):
            return step
    raise SecondFactorWrong("code")


def code_at(key: bytes, now: datetime) -> str:
    """What an authenticator shows."""
    return _codes(key).generate(int(now.timestamp())).decode()


def key_text(key: bytes) -> str:
    """In Base32, as authenticators take it."""
    return base64.b32encode(key).decode()


def uri(key: bytes, actor_id: str, hall: str) -> str:
    """As authenticators take it from a link or a picture."""
    return _codes(key).get_provisioning_uri(actor_id, hall)


def _codes(key: bytes) -> TOTP:
    # What authenticators know; SHA-1 is not broken as a part of HMAC.
    return TOTP(key, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303
