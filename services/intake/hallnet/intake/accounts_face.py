"""The methods of the intake's face by which accounts are made, opened and given other passwords."""

from __future__ import annotations

from typing import Any

from hallnet.case.case import day_of
from hallnet.intake import accounts, passwords
from hallnet.intake.answering import Answering, insert_record
from hallnet.store import Connection
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


class AccountsFace(Answering):
    """Makes accounts and opens them."""

    async def SignIn(self, request: wire.SignInRequest, context: Any) -> Any:
        return await self._recorded("SignIn", request.actor_id, "", self._sign_in(request))

    async def ChangePassword(self, request: wire.ChangePasswordRequest, context: Any) -> Any:
        changing = self._change_password(request)
        return await self._recorded("ChangePassword", request.actor_id, "", changing)

    async def PutAccount(self, request: wire.PutAccountRequest, context: Any) -> Any:
        account = accounts.from_message(request.account)
        actor_id, now = account.actor.actor_id, self._clock()

        def work(connection: Connection) -> wire.PutAccountResponse:
            accounts.put(connection, account, now)
            accounts.put_document(connection, actor_id, request.document_number)
            if request.password:
                passwords.put(
                    connection,
                    actor_id,
                    request.password,
                    request.password_is_own,
                    self._hall.random_bytes,
                    now,
                )
            found = accounts.find(connection, actor_id)
            return wire.PutAccountResponse(account=accounts.to_message(found, day_of(now)))

        return await self._once(request.request_id, request, wire.PutAccountResponse, work)

    async def _sign_in(self, request: wire.SignInRequest) -> wire.SignInResponse:
        await self._require_right(request.actor_id, request.password)
        now = self._clock()

        def work(connection: Connection) -> wire.SignInResponse:
            policy = self._hall.releases.policy(connection)
            due = passwords.was_right(connection, request.actor_id, policy, now)
            insert_record(connection, now, request.actor_id, "", "SignIn", "", "")
            account = accounts.find(connection, request.actor_id)
            return wire.SignInResponse(
                account=accounts.to_message(account, day_of(now)),
                password_due=int(due or 0),  # type: ignore[arg-type]
            )

        return await self._database.write(work)

    async def _change_password(
        self, request: wire.ChangePasswordRequest
    ) -> wire.ChangePasswordResponse:
        await self._require_right(request.actor_id, request.old_password)
        now = self._clock()

        def work(connection: Connection) -> wire.ChangePasswordResponse:
            passwords.change(
                connection,
                request.actor_id,
                request.old_password,
                request.new_password,
                self._hall.random_bytes,
                now,
            )
            insert_record(connection, now, request.actor_id, "", "ChangePassword", "", "")
            return wire.ChangePasswordResponse()

        return await self._database.write(work)

    async def _require_right(self, actor_id: str, password: str) -> None:
        """Raises ActorUnknown or WrongTooOften. The try is on record before anybody looks whether it is right."""
        now = self._clock()
        await self._database.write(
            lambda c: passwords.begin_try(c, actor_id, self._hall.releases.policy(c), now)
        )
        await self._database.read(lambda c: passwords.require_right(c, actor_id, password))
