"""Bounds of every request: no text and no list of it is longer than anybody has a reason to send, and all
of it can be kept."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from hallnet.problems import Kind, Problem

TEXT_CHARACTERS_MAX = 4000
ELEMENTS_MAX = 1000


class TextTooLong(Problem):
    """A text of more characters than are taken."""

    kind = Kind.EXHAUSTED
    reason = "TEXT_TOO_LONG"
    zh = "文字超过{limit}个字"
    zh_remedy = "请缩短内容，或作为材料上传"
    en = "The text is longer than {limit} characters"
    en_remedy = "Shorten it, or upload it as a material"


class ListTooLong(Problem):
    """A list of more elements than are taken."""

    kind = Kind.EXHAUSTED
    reason = "LIST_TOO_LONG"
    zh = "列表超过{limit}项"
    zh_remedy = "请分几次提交"
    en = "The list has more than {limit} elements"
    en_remedy = "Send it in several requests"


class TextUnkeepable(Problem):
    """A text with a character that no database keeps."""

    kind = Kind.INVALID
    reason = "TEXT_UNKEEPABLE"
    zh = "文字中含有无法保存的字符（NUL）"
    zh_remedy = "请删去该字符后重新提交"
    en = "The text holds a character that cannot be kept (NUL)"
    en_remedy = "Remove it and send it again"


class ChoiceUnknown(Problem):
    """A number that stands for none of the choices."""

    kind = Kind.INVALID
    reason = "CHOICE_UNKNOWN"
    zh = "没有编号为{number}的选项"
    zh_remedy = "请按接口文档选择；如为新选项，请先升级本厅系统"
    en = "There is no choice of the number {number}"
    en_remedy = (
        "Choose one from the description of the interface; if it is new, upgrade this hall first"
    )


def require_bounds(message: Message, path: str = "") -> None:
    """Check all texts, lists and choices of a message.

    Raises TextTooLong, TextUnkeepable, ListTooLong or ChoiceUnknown, naming the field.
    """
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        if field.is_repeated:
            if len(value) > ELEMENTS_MAX:
                raise ListTooLong(name, limit=ELEMENTS_MAX)
            for index, element in enumerate(value):
                _require(field, element, f"{name}[{index}]")
        else:
            _require(field, value, name)


def _require(field: FieldDescriptor, value: object, name: str) -> None:
    if isinstance(value, Message):
        require_bounds(value, f"{name}.")
    elif isinstance(value, str):
        if len(value) > TEXT_CHARACTERS_MAX:
            raise TextTooLong(name, limit=TEXT_CHARACTERS_MAX)
        if "\0" in value:
            raise TextUnkeepable(name)
    elif field.enum_type is not None and value not in field.enum_type.values_by_number:
        raise ChoiceUnknown(name, number=value)
