"""The one bridge between frozen dataclasses, which the rules use, and protobuf, which travels."""

from hallnet.codec.codec import Codec, MessageMalformed

__all__ = ["Codec", "MessageMalformed"]
