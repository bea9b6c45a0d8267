"""Bounds of every request: no text and no list of it is longer than anybody has a reason to send."""

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


def require_bounds(message: Message, path: str = "") -> None:
    """Check all texts and lists of a message; raises TextTooLong or ListTooLong, naming the field."""
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
    elif isinstance(value, str) and len(value) > TEXT_CHARACTERS_MAX:
        raise TextTooLong(name, limit=TEXT_CHARACTERS_MAX)
