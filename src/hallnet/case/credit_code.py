"""What is wrong with a unified social credit code (统一社会信用代码, GB 32100-2015), in words for a catalogue."""

from __future__ import annotations

from hallnet.case.codes import (
    CREDIT_ALPHABET,
    CREDIT_LENGTH,
    ORGANISATION,
    credit_check,
    organisation_check,
)


def credit_code_fault(code: str) -> str:
    """What is wrong with a code, in Chinese; empty if nothing is.

    The last character is the check of GB 32100, the one before it that of the code of the
    organisation (GB 11714) in the places 9 to 17.
    """
    if len(code) != CREDIT_LENGTH:
        return f"应为{CREDIT_LENGTH}位，实为{len(code)}位"
    wrong = [character for character in code if character not in CREDIT_ALPHABET]
    if wrong:
        return f"含有不允许的字符{wrong[0]!r}"
    if code[16] != organisation_check(code[ORGANISATION]):
        return "第9至17位组织机构代码的校验码不符"
    if code[17] != credit_check(code[:17]):
        return "第18位校验码不符"
    return ""
