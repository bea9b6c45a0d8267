"""A browser without a screen: it keeps cookies, reads the forms of a page and sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from tests.portal.halls import PASSWORD

Files = Mapping[str, tuple[str, bytes, str]]


@dataclass(slots=True)
class SeenForm:
    """A form as it stands on a page."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.fields[name][0]


class Page(HTMLParser):
    """What stands on a page."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.html = response.text
        self.url = response.url
        self.forms: list[SeenForm] = []
        self.texts: list[str] = []
        self.troubles: dict[str, str] = {}
        """Problems by the field beside which they stand."""
        self._area: str | None = None
        self._select: str | None = None
        self._trouble: str | None = None
        self.feed(self.html)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def form(self, action: str) -> SeenForm:
        return next(form for form in self.forms if form.action.endswith(action))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(SeenForm(found.get("action", "")))
        if found.get("class") == "trouble":
            self._trouble = found.get("id", "").removeprefix("trouble-")
        if not self.forms or ("name" not in found and tag != "option"):
            return
        if tag == "input":
            self._see_input(found)
        elif tag == "textarea":
            self._area = found["name"]
            self._put(found["name"], "")
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and self._select and "selected" in found:
            self._put(self._select, found["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "p":
            self._trouble = None

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())
        if self._area is not None:
            self.forms[-1].fields[self._area][-1] += data
        if self._trouble is not None:
            self.troubles[self._trouble] = self.troubles.get(self._trouble, "") + data

    def _see_input(self, found: dict[str, str]) -> None:
        kind = found.get("type", "text")
        if kind in ("radio", "checkbox") and "checked" not in found:
            return
        if kind != "file":
            self._put(found["name"], found.get("value", ""))

    def _put(self, name: str, value: str) -> None:
        self.forms[-1].fields.setdefault(name, []).append(value)


class Visitor:
    """Somebody at a portal."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, follow_redirects=True, timeout=30)

    def open(self, path: str) -> Page:
        return Page(self.client.get(path))

    def send(self, form: SeenForm, files: Files | None = None, **changed: Any) -> Page:
        """Send a form as it stands with some fields changed; `__` in a name is a full stop."""
        fields = form.fields | {
            name.replace("__", "."): value if isinstance(value, list) else [value]
            for name, value in changed.items()
        }
        return Page(self.client.post(form.action, data=fields, files=files))

    def sign_in(self, actor_id: str, password: str = PASSWORD) -> Page:
        form = self.open("/sign-in").form("/sign-in")
        return self.send(form, actor_id=actor_id, password=password)

    def close(self) -> None:
        self.client.close()
