"""The chapter in which an applicant reads the web pages."""

from __future__ import annotations

import re
from html import unescape

import httpx

from hallnet.demo import world
from hallnet.demo.scene import Scene
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

_HIDDEN_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


async def pages(scene: Scene) -> None:
    """The pages of the halls are up, and the applicant finds the case there."""
    stage = scene.stage
    stage.chapter("The applicant looks the case up on the web page of the township")
    portals = [node.portal_url for node in scene.network.nodes.values() if node.spec.portal]
    township = scene.at(world.WENCHANG)
    view = await township.look(scene.finished)
    told = await township.progress(view.summary.case_no, view.query_code)
    steps = [step.text.partition(" ")[2] for step in told.steps]
    async with httpx.AsyncClient(timeout=10, trust_env=False) as visitor:
        healthy = [(await visitor.get(f"{url}/healthz")).status_code == 200 for url in portals]
        stage.check("The web pages of the halls are up", all(healthy), "  ".join(portals))
        portal = scene.network.node(world.WENCHANG).portal_url
        status, right = await _look_up(visitor, portal, view, view.query_code)
        stage.check(
            "With the number and the code of the receipt the page shows every step",
            status == 200 and all(step in right for step in steps),
            f"{view.summary.case_no}: {len(steps)} steps",
        )
        status, wrong = await _look_up(visitor, portal, view, view.query_code[::-1])
        stage.check(
            "With another code it does not even say that there is such a case",
            status == 404 and view.item.name not in wrong,
            f"HTTP {status}",
        )


async def _look_up(
    visitor: httpx.AsyncClient, portal: str, view: wire.CaseView, code: str
) -> tuple[int, str]:
    """Fill the form in as a browser would; returns the status and the text of the page."""
    form = await visitor.get(f"{portal}/progress")
    fields = {name: unescape(value) for name, value in _HIDDEN_FIELD.findall(form.text)}
    fields |= {"case_no": view.summary.case_no, "query_code": code}
    page = await visitor.post(f"{portal}/progress", data=fields)
    return page.status_code, unescape(page.text)
