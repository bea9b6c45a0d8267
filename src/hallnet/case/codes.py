"""Codes with check characters, and what exactly is wrong with one that is wrong.

GB 11643 (citizen identity numbers), GB 32100 (unified social credit codes) with GB 11714 (organisation
codes) inside them, the identifiers of electronic certificates with ISO/IEC 7064 MOD 37,36, and division
codes (GB/T 2260, GB/T 10114).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hallnet.case.code_problems import (
    CodeCharacter,
    CodeCheckCharacter,
    CodeDate,
    CodeLength,
    CodePartUnknown,
)

IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
IDENTITY_CHECKS = "10X98765432"
IDENTITY_LENGTH = 18
DIGITS = "0123456789"

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Without I, O, S, V and Z, which are mistaken for digits."""
CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
CREDIT_LENGTH = 18
ORGANISATION = slice(8, 16)
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REGISTRARS = {
    "1": "机构编制",
    "2": "外交",
    "3": "司法行政",
    "4": "文化",
    "5": "民政",
    "6": "旅游",
    "7": "宗教",
    "8": "工会",
    "9": "工商",
    "A": "中央军委改革和编制办公室",
    "N": "农业",
    "Y": "其他",
}
"""登记管理部门代码, the first character (GB 32100)."""

CERTIFICATE_ROOT = "1.2.156.3005.2"
CERTIFICATE_PARTS = 5
CERTIFICATE_KIND_LENGTH = 21
CERTIFICATE_ISSUER_LENGTHS = (18, 6)
"""A credit code, or in use as well the code of a division."""
CERTIFICATE_VERSION_LENGTH = 3

DIVISION_LENGTHS = {2: "省", 4: "市", 6: "县", 9: "乡镇街道", 12: "村社区"}


def identity_check(body: str) -> str:
    """The last character of an identity number from its first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(body, IDENTITY_WEIGHTS, strict=True))
    return IDENTITY_CHECKS[total % 11]


def require_identity_number(number: str, where: str = "") -> None:
    """GB 11643. The division in it may be an abolished one and is not looked up.

    Raises CodeLength, CodeCharacter, CodeDate or CodeCheckCharacter.
    """
    _require_length(number, (IDENTITY_LENGTH,), where)
    _require_characters(number[:17], DIGITS, where)
    _require_characters(number[17:], DIGITS + "X", where, 17)
    born = number[6:14]
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError as error:
        raise CodeDate(where) from error
    _require_check(number[17], identity_check(number[:17]), 18, where)


def organisation_check(body: str) -> str:
    """The check character of an organisation code from its eight characters (GB 11714)."""
    total = sum(
        ORGANISATION_ALPHABET.index(character) * weight
        for character, weight in zip(body, ORGANISATION_WEIGHTS, strict=True)
    )
    return "0123456789X0"[11 - total % 11]


def credit_check(body: str) -> str:
    """The last character of a unified social credit code from its first 17."""
    total = sum(
        CREDIT_ALPHABET.index(character) * weight
        for character, weight in zip(body, CREDIT_WEIGHTS, strict=True)
    )
    return CREDIT_ALPHABET[-total % 31]


def require_credit_code(code: str, where: str = "") -> None:
    """GB 32100, with the organisation code inside it (GB 11714).

    Raises CodeLength, CodeCharacter, CodePartUnknown or CodeCheckCharacter.
    """
    _require_length(code, (CREDIT_LENGTH,), where)
    _require_characters(code, CREDIT_ALPHABET, where)
    if code[0] not in REGISTRARS:
        raise CodePartUnknown(where, part="登记管理部门代码", text=code[0])
    _require_characters(code[2:8], DIGITS, where, 2)
    _require_check(code[16], organisation_check(code[ORGANISATION]), 17, where)
    _require_check(code[17], credit_check(code[:17]), 18, where)


def mod_37_36(characters: str) -> str:
    """The check character of ISO/IEC 7064 MOD 37,36 for digits and capitals."""
    product = 36
    for character in characters:
        total = (product + ORGANISATION_ALPHABET.index(character)) % 36
        product = (total or 36) * 2 % 37
    return ORGANISATION_ALPHABET[(37 - product) % 36]


def require_certificate_id(identifier: str, where: str = "") -> None:
    """The identifier of an electronic certificate: kind, issuer, serial, version and check character, after
    the root 1.2.156.3005.2, which may be left out.

    Certificates of other issuers are known whose check character is none of these: who reads one from
    elsewhere warns and does not refuse. Raises CodeLength, CodeCharacter, CodePartUnknown or
    CodeCheckCharacter.
    """
    text = identifier.removeprefix(f"{CERTIFICATE_ROOT}.")
    parts = text.split(".")
    if len(parts) != CERTIFICATE_PARTS:
        raise CodePartUnknown(
            where, part="标识的五段（类型、颁发机构、流水号、版本、校验）", text=len(parts)
        )
    kind, issuer, serial, version, check = parts
    for part, lengths in (
        (kind, (CERTIFICATE_KIND_LENGTH,)),
        (issuer, CERTIFICATE_ISSUER_LENGTHS),
        (version, (CERTIFICATE_VERSION_LENGTH,)),
        (check, (1,)),
    ):
        _require_length(part, lengths, where)
    if not serial:
        raise CodePartUnknown(where, part="流水号", text="")
    _require_characters(kind + issuer + serial + version + check, ORGANISATION_ALPHABET, where)
    _require_check(check, mod_37_36(kind + issuer + serial + version), len(text), where)


def require_division_code(code: str, where: str = "") -> None:
    """The form of a division code of any level; whether it exists is for the register to say.

    Raises CodeLength, CodeCharacter or CodePartUnknown.
    """
    _require_length(code, tuple(DIVISION_LENGTHS), where)
    _require_characters(code, DIGITS, where)
    if code[0] == "0":
        raise CodePartUnknown(where, part="省级代码", text=code[:2])


def _require_length(text: str, lengths: Sequence[int], where: str) -> None:
    if len(text) not in lengths:
        raise CodeLength(where, found=len(text), right="、".join(str(length) for length in lengths))


def _require_characters(text: str, alphabet: str, where: str, before: int = 0) -> None:
    for place, character in enumerate(text, before + 1):
        if character not in alphabet:
            raise CodeCharacter(where, place=place, character=ascii(character)[1:-1])


def _require_check(found: str, right: str, place: int, where: str) -> None:
    if found != right:
        raise CodeCheckCharacter(where, place=place, found=found, right=right)
