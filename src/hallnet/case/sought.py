"""What a clerk types to find a case, and the forms in which names and numbers are compared.

The same person is written in many ways: full-width digits, an `x` at the end of an identity number, blanks
within a name, the country code before a telephone number. They are brought to one form (Unicode NFKC,
UAX 15) before they are compared; nothing else is made alike, so a rare character stays itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

ROUNDS_MAX = 8
_BLANKS = re.compile(r"\s+")
_MIDDLE_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･．.", "·"))
"""The dot within the names of several peoples has no one code point in what people type."""
_SEPARATORS = re.compile(r"[\s()（）+-]+")
_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_COUNTRY_CODE = re.compile(r"(?:00)?86(?=1[3-9]\d{9}$)", re.ASCII)
_LANDLINE = re.compile(r"0\d{2,3}-?\d{7,8}", re.ASCII)
_IDENTITY = re.compile(r"\d{17}[\dX]|\d{15}", re.ASCII)
_CASE_NUMBER = re.compile(r"\d{2,9}(?:-[a-z][a-z0-9]*)?(?:-\d{0,8}(?:-\d*)?)?", re.ASCII)
_DOCUMENT = re.compile(r"(?=.*\d)[0-9A-Z]{5,}", re.ASCII)


class SoughtBy(IntEnum):
    """By what a text finds cases."""

    CASE_NUMBER = 1
    NAME = 2
    DOCUMENT_NUMBER = 3
    PHONE = 4


@dataclass(frozen=True, slots=True)
class Sought:
    """A text in its normal form, and what it is taken for."""

    by: SoughtBy
    text: str


def normal_name(name: str) -> str:
    """A person's or an organisation's name as names are compared: without blanks, one kind of dot."""
    return _settled(name, lambda text: _BLANKS.sub("", text).translate(_MIDDLE_DOTS).casefold())


def normal_document_number(number: str) -> str:
    """The number of a document without blanks and separators, in capitals."""
    return _settled(number, lambda text: _SEPARATORS.sub("", text).upper())


def normal_phone(phone: str) -> str:
    """The digits of a telephone number, a mobile one without its country code."""
    return _settled(phone, lambda text: _COUNTRY_CODE.sub("", _SEPARATORS.sub("", text)))


def _settled(text: str, change: Callable[[str], str]) -> str:
    """Normalised and changed until it stays as it is: what is taken out may join what stood around it."""
    for _ in range(ROUNDS_MAX):
        before, text = text, change(unicodedata.normalize("NFKC", text))
        if text == before:
            break
    return text


def sought(text: str) -> Sought | None:
    """What a text that was typed into a search is taken for; None if there is nothing in it.

    An identity number has 18 places (15 before 1999), a mobile number 11 and begins with 1, a landline
    with 0; a case number is that of a hall and a day, and its beginning is enough. What holds a digit
    and only Latin capitals else is the number of a document; the rest is a name.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return None
    document, phone = normal_document_number(plain), normal_phone(plain)
    if _IDENTITY.fullmatch(document) and "-" not in plain:
        return Sought(SoughtBy.DOCUMENT_NUMBER, document)
    if _MOBILE.fullmatch(phone) or _LANDLINE.fullmatch(plain):
        return Sought(SoughtBy.PHONE, phone)
    if _CASE_NUMBER.fullmatch(plain.lower()):
        return Sought(SoughtBy.CASE_NUMBER, plain.lower())
    if _DOCUMENT.fullmatch(document):
        return Sought(SoughtBy.DOCUMENT_NUMBER, document)
    return Sought(SoughtBy.NAME, normal_name(plain))


def matter(item_id: str, option: str, document_kind: str, document_number: str) -> str:
    """Who wants what: equal for two applications of the same person for the same thing."""
    return "\0".join((item_id, option, document_kind, normal_document_number(document_number)))
