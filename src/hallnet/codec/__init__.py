"""The one bridge between frozen dataclasses, which the rules use, and protobuf, which travels."""

from hallnet.codec.codec import Codec, MessageMalformed
from hallnet.codec.frugal import FIELDS_MAX, parse

__all__ = ["FIELDS_MAX", "Codec", "MessageMalformed", "parse"]
