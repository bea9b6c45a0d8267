"""Codes of items: what stands in them, and whether it can stand there.

基本编码 (12) = region (00, or 2 digits of a province) + type (2) + department (2) + item (3) + part (3).
实施编码 (31) = credit code of the body that decides (18, GB 32100) + its level (1) + 基本编码 (12).
业务办理项编码 (33) = 实施编码 + 2 digits for the variant. The parts of GB/T 39046-2020 as platforms run
them: the lengths that the standard itself prints (10 and 24) are used by none.
"""

from __future__ import annotations

from dataclasses import dataclass

from hallnet.case.credit_code import credit_code_fault
from hallnet.case.item import ItemCodes
from hallnet.case.item_problems import ItemCodeMalformed

BASE_LENGTH = 12
IMPLEMENTATION_LENGTH = 31
OPTION_LENGTH = 33
NATION = "00"
"""Region of an item that is the same in the whole country."""
_CREDIT_CODE_LENGTH = 18
_LEVELS = "1234567"
_TYPES = frozenset(f"{number:02}" for number in range(1, 100))


@dataclass(frozen=True, slots=True)
class BaseCode:
    """基本编码 in its parts."""

    region: str
    task_type: str
    department: str
    item: str
    part: str

    def __str__(self) -> str:
        return self.region + self.task_type + self.department + self.item + self.part


@dataclass(frozen=True, slots=True)
class ImplementationCode:
    """实施编码 in its parts; `option` is empty, or the two digits of a 业务办理项编码."""

    authority: str
    level: str
    base: BaseCode
    option: str = ""

    def __str__(self) -> str:
        return f"{self.authority}{self.level}{self.base}{self.option}"


def read_base_code(text: str, where: str = "base_code") -> BaseCode:
    """Raises ItemCodeMalformed."""
    fault = _digits_fault(text, BASE_LENGTH)
    if not fault and text[2:4] not in _TYPES:
        fault = "第3、4位事项类型不得为00"
    if fault:
        raise ItemCodeMalformed(where, code=text[:40], kind_of_code="基本编码", detail=fault)
    return BaseCode(text[:2], text[2:4], text[4:6], text[6:9], text[9:])


def read_implementation_code(text: str, where: str = "implementation_code") -> ImplementationCode:
    """Read a code of 31 characters, or of 33 with a variant; raises ItemCodeMalformed."""
    authority, level, rest = text[:18], text[18:19], text[19:31]
    fault = ""
    if len(text) not in (IMPLEMENTATION_LENGTH, OPTION_LENGTH):
        fault = f"应为{IMPLEMENTATION_LENGTH}位（业务办理项{OPTION_LENGTH}位），实为{len(text)}位"
    elif found := credit_code_fault(authority):
        fault = f"实施主体统一社会信用代码{found}"
    elif level not in _LEVELS:
        fault = "第19位行使层级应为1至7"
    elif found := _digits_fault(text[31:], len(text) - IMPLEMENTATION_LENGTH):
        fault = f"业务办理项序号{found}"
    if fault:
        raise ItemCodeMalformed(where, code=text[:40], kind_of_code="实施编码", detail=fault)
    return ImplementationCode(authority, level, read_base_code(rest, where), text[31:])


def codes_fault(codes: ItemCodes, level: int) -> str:
    """What is wrong with the codes of an item of a level, in Chinese; empty if nothing is.

    Codes that are not known are left empty; those that are given have to fit together.
    """
    try:
        base = str(read_base_code(codes.base_code)) if codes.base_code else ""
        for text, length in (
            (codes.implementation_code, IMPLEMENTATION_LENGTH),
            (codes.option_code, OPTION_LENGTH),
        ):
            if not text:
                continue
            if len(text) != length:
                return f"“{text[:40]}”应为{length}位"
            read = read_implementation_code(text)
            if base and str(read.base) != base:
                return f"“{text}”与基本编码{base}不符"
            if read.level != str(level):
                return f"“{text}”第19位行使层级{read.level}与事项的行使层级{level}不符"
    except ItemCodeMalformed as problem:
        return problem.in_chinese().split("。")[0]
    if codes.option_code and not codes.option_code.startswith(codes.implementation_code):
        return f"业务办理项编码{codes.option_code}不以实施编码开头"
    return ""


def _digits_fault(text: str, length: int) -> str:
    if len(text) != length:
        return f"应为{length}位，实为{len(text)}位"
    return "" if not text or (text.isascii() and text.isdigit()) else "应全为数字"
