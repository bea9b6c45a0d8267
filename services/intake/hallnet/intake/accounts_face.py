"""The methods of the intake's face by which accounts are made, opened and given other passwords."""

from __future__ import annotations

from typing import Any

from hallnet.case.case import day_of
from hallnet.case.problems import ActorUnknown
from hallnet.intake import accounts, passwords, second_factors
from hallnet.intake.answering import Answering, insert_record
from hallnet.store import Connection
from hallnet.window import second_factor as rules
from hallnet.wire.intake.v1 import intake_service_pb2 as wire


class AccountsFace(Answering):
    """Makes accounts and opens them."""

    async def SignIn(self, request: wire.SignInRequest, context: Any) -> Any:
        return await self._recorded("SignIn", request.actor_id, "", self._sign_in(request))

    async def CheckSession(self, request: wire.CheckSessionRequest, context: Any) -> Any:
        def look(connection: Connection) -> wire.CheckSessionResponse:
            if passwords.mark(connection, request.actor_id) != request.password_mark:
                raise ActorUnknown()
            return wire.CheckSessionResponse()

        return await self._database.read(look)

    async def ChangePassword(self, request: wire.ChangePasswordRequest, context: Any) -> Any:
        changing = self._change_password(request)
        return await self._recorded("ChangePassword", request.actor_id, "", changing)

    async def BeginSecondFactor(self, request: wire.BeginSecondFactorRequest, context: Any) -> Any:
        beginning = self._begin_second_factor(request)
        return await self._recorded("BeginSecondFactor", request.actor_id, "", beginning)

    async def ConfirmSecondFactor(
        self, request: wire.ConfirmSecondFactorRequest, context: Any
    ) -> Any:
        confirming = self._confirm_second_factor(request)
        return await self._recorded("ConfirmSecondFactor", request.actor_id, "", confirming)

    async def DropSecondFactor(self, request: wire.DropSecondFactorRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.DropSecondFactorResponse:
            accounts.find(connection, request.actor_id)
            second_factors.drop(connection, request.actor_id)
            insert_record(connection, now, request.actor_id, "", "DropSecondFactor", "", "")
            return wire.DropSecondFactorResponse()

        return await self._once(request.request_id, request, wire.DropSecondFactorResponse, work)

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

    async def CloseAccount(self, request: wire.CloseAccountRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.CloseAccountResponse:
            accounts.close(connection, request.actor_id, now)
            second_factors.drop(connection, request.actor_id)
            insert_record(connection, now, request.actor_id, "", "CloseAccount", "", "")
            return wire.CloseAccountResponse()

        return await self._once(request.request_id, request, wire.CloseAccountResponse, work)

    async def _sign_in(self, request: wire.SignInRequest) -> wire.SignInResponse:
        await self._require_right(request.actor_id, request.password)
        now = self._clock()

        def work(connection: Connection) -> wire.SignInResponse:
            actor_id, policy = request.actor_id, self._hall.releases.policy(connection)
            second_factors.require_right(connection, actor_id, request.code, now)
            due = passwords.was_right(connection, actor_id, policy, now)
            insert_record(connection, now, actor_id, "", "SignIn", "", "")
            has_factor = second_factors.has_one(connection, actor_id)
            return wire.SignInResponse(
                account=accounts.to_message(accounts.find(connection, actor_id), day_of(now)),
                password_due=int(due or 0),  # type: ignore[arg-type]
                second_factor_due=policy.second_factor_required and not has_factor,
                password_mark=passwords.mark(connection, actor_id),
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
            mark = passwords.mark(connection, request.actor_id)
            return wire.ChangePasswordResponse(password_mark=mark)

        return await self._database.write(work)

    async def _begin_second_factor(
        self, request: wire.BeginSecondFactorRequest
    ) -> wire.BeginSecondFactorResponse:
        await self._require_right(request.actor_id, request.password)
        now = self._clock()

        def work(connection: Connection) -> wire.BeginSecondFactorResponse:
            actor_id = request.actor_id
            # Who knows the password alone gets no other key.
            second_factors.require_right(connection, actor_id, request.code, now)
            policy = self._hall.releases.policy(connection)
            passwords.was_right(connection, actor_id, policy, now)
            key = second_factors.begin(connection, actor_id, self._hall.random_bytes)
            issuer = f"hallnet {self._hall.address}"
            return wire.BeginSecondFactorResponse(
                key=rules.key_text(key), uri=rules.uri(key, actor_id, issuer)
            )

        return await self._database.write(work)

    async def _confirm_second_factor(
        self, request: wire.ConfirmSecondFactorRequest
    ) -> wire.ConfirmSecondFactorResponse:
        now = self._clock()

        def work(connection: Connection) -> wire.ConfirmSecondFactorResponse:
            accounts.find(connection, request.actor_id)
            second_factors.confirm(connection, request.actor_id, request.code, now)
            insert_record(connection, now, request.actor_id, "", "ConfirmSecondFactor", "", "")
            return wire.ConfirmSecondFactorResponse()

        return await self._database.write(work)

    async def _require_right(self, actor_id: str, password: str) -> None:
        """Raises ActorUnknown or WrongTooOften. The try is on record before anybody looks whether it is right."""
        now = self._clock()
        await self._database.write(
            lambda c: passwords.begin_try(c, actor_id, self._hall.releases.policy(c), now)
        )
        await self._database.read(lambda c: passwords.require_right(c, actor_id, password))
