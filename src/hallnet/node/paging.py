"""Pages of lists: a size within bounds and a token that says where the next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from hallnet.problems import Kind, Problem

PAGE_SIZE = 100
PAGE_SIZE_MAX = 500
POSITION_MAX = 2**63 - 1


class PageTokenInvalid(Problem):
    """The token did not come from an answer."""

    kind = Kind.INVALID
    reason = "PAGE_TOKEN_INVALID"
    zh = "翻页标记无效"
    zh_remedy = "请从第一页重新开始"
    en = "The page token is not valid"
    en_remedy = "Begin again at the first page"


@dataclass(frozen=True, slots=True)
class Page:
    """How many rows, and after which position; 0 for the first page."""

    size: int
    after: int

    @classmethod
    def of(cls, size: int, token: str) -> Page:
        """Raises PageTokenInvalid."""
        try:
            after = int(base64.urlsafe_b64decode(token.encode())) if token else 0
        except (ValueError, binascii.Error) as error:
            raise PageTokenInvalid("page_token") from error
        if not 0 <= after <= POSITION_MAX:
            raise PageTokenInvalid("page_token")
        return cls(min(size or PAGE_SIZE, PAGE_SIZE_MAX), after)

    def next_token(self, positions: Sequence[int]) -> str:
        """The token after a page, given one position more than the page holds if there is more."""
        if len(positions) <= self.size:
            return ""
        return base64.urlsafe_b64encode(str(positions[self.size - 1]).encode()).decode()
