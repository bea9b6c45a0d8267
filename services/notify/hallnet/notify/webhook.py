"""The webhook channel: each notice is posted to a program of the hall."""

from __future__ import annotations

import asyncio

import httpx

from hallnet.notify.channels import Notice, NotTaken

WEBHOOK_SECONDS = 10.0


class WebhookChannel:
    """Each notice is posted as JSON; the header Idempotency-Key bears its id."""

    name = "webhook"
    is_on = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=WEBHOOK_SECONDS)

    async def send(self, notice: Notice) -> None:
        try:
            async with asyncio.timeout(WEBHOOK_SECONDS):
                status = await self._post(notice)
        except Exception as error:
            # Whatever goes wrong out there is a try that failed: noted, and tried again.
            raise NotTaken(type(error).__name__) from error
        if not httpx.codes.is_success(status):
            raise NotTaken(f"HTTP {status}")

    async def _post(self, notice: Notice) -> int:
        """The status alone: however much more the program has to say, it is not read."""
        async with self._client.stream(
            "POST",
            self._url,
            content=notice.to_json().encode(),
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "Idempotency-Key": notice.notice_id,
            },
        ) as response:
            return response.status_code

    async def close(self) -> None:
        await self._client.aclose()
