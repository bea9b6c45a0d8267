"""The webhook channel: each notice is posted to a program of the hall."""

from __future__ import annotations

import httpx

from hallnet.notify.channels import Notice, NotTaken

WEBHOOK_SECONDS = 10.0


class WebhookChannel:
    """Each notice is posted as JSON; the header Idempotency-Key bears its id."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=WEBHOOK_SECONDS)

    async def send(self, notice: Notice) -> None:
        try:
            response = await self._client.post(
                self._url,
                content=notice.to_json(),
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "Idempotency-Key": notice.notice_id,
                },
            )
        except httpx.HTTPError as error:
            raise NotTaken(type(error).__name__) from error
        if not response.is_success:
            raise NotTaken(f"HTTP {response.status_code}")

    async def close(self) -> None:
        await self._client.aclose()
