"""Unified social credit codes (统一社会信用代码, GB 32100-2015)."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Without I, O, S, V and Z."""
LENGTH = 18
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def credit_code_fault(code: str) -> str:
    """What is wrong with a code, in Chinese; empty if nothing is.

    The last character is the check of GB 32100, the one before it that of the code of the
    organisation (GB 11714) in the places 9 to 17.
    """
    if len(code) != LENGTH:
        return f"应为{LENGTH}位，实为{len(code)}位"
    wrong = [character for character in code if character not in ALPHABET]
    if wrong:
        return f"含有不允许的字符{wrong[0]!r}"
    if code[16] != _organisation_check(code[8:16]):
        return "第9至17位组织机构代码的校验码不符"
    if code[17] != _check(code[:17]):
        return "第18位校验码不符"
    return ""


def _check(body: str) -> str:
    total = sum(
        ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(body)
    )
    return ALPHABET[-total % 31]


def _organisation_check(body: str) -> str:
    total = sum(
        _ORGANISATION_ALPHABET.index(character) * weight
        for character, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True)
    )
    remainder = 11 - total % 11
    return {10: "X", 11: "0"}.get(remainder, str(remainder))
