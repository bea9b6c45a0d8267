"""The part of the face that deals with what is said about service: enquiries, ratings, complaints, fees,
score sheets, and where agents act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hallnet.case import fee as fees
from hallnet.case.case import day_of
from hallnet.case.fee import FeeAccount, Payment, Refund
from hallnet.case.fee_problems import FeeCollectedElsewhere
from hallnet.case.policy import Policy, RatingIndicators
from hallnet.case.problems import ItemUnknown
from hallnet.intake import accounts, cases
from hallnet.intake.answering import Response
from hallnet.intake.asked import ChoiceMissing
from hallnet.intake.identifiers import new_id
from hallnet.intake.papers import materials
from hallnet.intake.window import inviting, records, refunds
from hallnet.intake.window.answering import WindowAnswering
from hallnet.intake.window.choices import chosen, day_named
from hallnet.intake.window.codecs import (
    COMPLAINT,
    COVERAGE,
    ENQUIRY,
    EVIDENCE,
    FEE_ACCOUNT,
    INDICATOR_RATING,
    INSTALMENT,
    RATING,
    REMINDER,
    SCORE,
    SCORE_SHEET,
    SHARE,
)
from hallnet.intake.window.records import RecordKind
from hallnet.node.paging import Page
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.window import complaint as complaints
from hallnet.window import enquiry as enquiries
from hallnet.window import rating as ratings
from hallnet.window import score as scores
from hallnet.window.agents import Agent, coverage, without_agent
from hallnet.window.complaint import Complaint, ComplaintKind
from hallnet.window.enquiry import Enquiry
from hallnet.window.problems import AlreadyRated, RecordUnknown, ScoreSheetMalformed, WordsMissing
from hallnet.window.rating import Finding, Rating, RatingChannel, Satisfaction
from hallnet.window.score import Scoring
from hallnet.wire.window.v1 import window_service_pb2 as wire


class ServiceActs(WindowAnswering):
    """Half of WindowFace."""

    # Enquiries

    async def OpenEnquiry(self, request: wire.OpenEnquiryRequest, context: Any) -> Any:
        now = self._clock()

        def work(connection: Connection) -> wire.OpenEnquiryResponse:
            owner = request.act.actor_id
            calendar = self._hall.releases.calendar(connection)
            opened = enquiries.opened(
                new_id(now, self._hall.random_bytes),
                request.question,
                request.asked_by,
                owner,
                now,
                calendar,
                self._policy(connection).reply_limit or enquiries.REPLY_LIMIT,
            )
            records.ENQUIRIES.add(connection, opened)
            return wire.OpenEnquiryResponse(enquiry=ENQUIRY.to_message(opened))

        return await self._write(request, wire.OpenEnquiryResponse, work)

    async def StepEnquiry(self, request: wire.StepEnquiryRequest, context: Any) -> Any:
        now, by = self._clock(), request.act.actor_id

        def rule(enquiry: Enquiry) -> Enquiry:
            match request.step:
                case wire.ENQUIRY_STEP_OFFER:
                    return enquiries.offered(enquiry, by, request.to)
                case wire.ENQUIRY_STEP_ACCEPT:
                    return enquiries.accepted(enquiry, by)
                case wire.ENQUIRY_STEP_DECLINE:
                    return enquiries.declined(enquiry, by)
                case wire.ENQUIRY_STEP_ANSWER:
                    return enquiries.answered(enquiry, by, request.answer, now)
            raise ChoiceMissing("step", field="step")

        def work(connection: Connection) -> wire.StepEnquiryResponse:
            if request.step == wire.ENQUIRY_STEP_OFFER:
                accounts.find(connection, request.to)
            changed = records.ENQUIRIES.change(connection, request.enquiry_id, rule)
            return wire.StepEnquiryResponse(enquiry=ENQUIRY.to_message(changed))

        return await self._write(request, wire.StepEnquiryResponse, work, request.enquiry_id)

    # Ratings

    async def Rate(self, request: wire.RateRequest, context: Any) -> Any:
        level = chosen(Satisfaction, request.level, "level")
        channel = chosen(RatingChannel, request.channel, "channel") if request.channel else None
        said = tuple(INDICATOR_RATING.from_message(one) for one in request.indicators)
        now = self._clock()

        def work(connection: Connection) -> wire.RateResponse:
            if not request.subject.strip() or len(request.subject) > 64:
                raise WordsMissing("subject", what="办件或排队号")
            item_id, handler, given = request.item_id, request.handler, channel
            subject = inviting.canonical(connection, request.subject.strip())
            if request.invitation_code:
                code = request.invitation_code
                invitation = inviting.of_visitor(connection, subject, code, now)
                item_id, handler = invitation.item_id, invitation.handler
                given = invitation.channel
            if records.RATINGS.find(connection, subject) is not None:
                raise AlreadyRated("subject")
            policy = self._policy(connection)
            # One visit or case is rated once: its number is that of the rating.
            made = ratings.rated(
                subject,
                subject,
                item_id,
                handler,
                level,
                request.words,
                now,
                self._hall.releases.calendar(connection),
                request.by_default,
                request.named,
                policy.call_back_limit or ratings.CALL_BACK_LIMIT,
            )
            made = ratings.with_indicators(made, given, said, policy.indicators)
            records.RATINGS.add(connection, made)
            inviting.answered(connection, subject)
            return wire.RateResponse(rating=RATING.to_message(made))

        return await self._unnamed(request, wire.RateResponse, work)

    async def StepRating(self, request: wire.StepRatingRequest, context: Any) -> Any:
        now, by = self._clock(), request.act.actor_id

        def work(connection: Connection) -> wire.StepRatingResponse:
            calendar = self._hall.releases.calendar(connection)
            repair = self._policy(connection).repair_limit or ratings.REPAIR_LIMIT

            def rule(rating: Rating) -> Rating:
                match request.step:
                    case wire.RATING_STEP_CALL_BACK:
                        finding = chosen(Finding, request.finding, "finding")
                        return ratings.called_back(rating, by, finding, now, calendar, repair)
                    case wire.RATING_STEP_REPAIR:
                        return ratings.repaired(rating, by, request.words)
                    case wire.RATING_STEP_CLOSE:
                        return ratings.closed(rating, by)
                    case wire.RATING_STEP_ADD:
                        return ratings.added_to(rating, request.words)
                raise ChoiceMissing("step", field="step")

            changed = records.RATINGS.change(connection, request.rating_id, rule)
            return wire.StepRatingResponse(rating=RATING.to_message(changed))

        return await self._write(request, wire.StepRatingResponse, work, request.rating_id)

    async def GetRatingRates(self, request: wire.GetRatingRatesRequest, context: Any) -> Any:
        first, last = day_named(request.first, "first"), day_named(request.last, "last")

        def look(connection: Connection) -> wire.GetRatingRatesResponse:
            found = list(records.RATINGS.made_between(connection, first, last))
            calendar = self._hall.releases.calendar(connection)
            satisfied = ratings.satisfied(found)
            limit = self._policy(connection).call_back_limit or ratings.CALL_BACK_LIMIT
            in_time = ratings.called_back_in_time(found, calendar, limit)
            return wire.GetRatingRatesResponse(
                satisfied=SHARE.to_message(satisfied),
                called_back_in_time=SHARE.to_message(in_time),
                left_out=len(found) - satisfied.whole,
                called_back=SHARE.to_message(ratings.called_back_at_all(found)),
                answered=SHARE.to_message(inviting.answers(connection, first, last)),
                indicators=_indicator_shares(found, self._policy(connection).indicators),
            )

        return await self._database.read(look)

    # Complaints

    async def OpenComplaint(self, request: wire.OpenComplaintRequest, context: Any) -> Any:
        kind = chosen(ComplaintKind, request.kind, "kind")
        now = self._clock()

        def work(connection: Connection) -> wire.OpenComplaintResponse:
            if request.owner:
                accounts.find(connection, request.owner)
            opened = complaints.opened(
                new_id(now, self._hall.random_bytes),
                kind,
                request.subject,
                request.words,
                request.against,
                request.owner,
                now,
                self._hall.releases.calendar(connection),
                _ticket_limits(self._policy(connection)),
            )
            records.COMPLAINTS.add(connection, opened)
            return wire.OpenComplaintResponse(complaint=COMPLAINT.to_message(opened))

        return await self._write(request, wire.OpenComplaintResponse, work)

    async def StepComplaint(self, request: wire.StepComplaintRequest, context: Any) -> Any:
        now, by = self._clock(), request.act.actor_id

        def work(connection: Connection) -> wire.StepComplaintResponse:
            calendar = self._hall.releases.calendar(connection)

            def rule(complaint: Complaint) -> Complaint:
                match request.step:
                    case wire.COMPLAINT_STEP_EXTEND:
                        return complaints.extended(complaint, request.words, calendar)
                    case wire.COMPLAINT_STEP_SEND_BACK:
                        return complaints.sent_back(complaint, request.words, now, calendar)
                    case wire.COMPLAINT_STEP_ANSWER:
                        return complaints.answered(complaint, by, request.words, now)
                    case wire.COMPLAINT_STEP_CLOSE:
                        return complaints.closed(complaint, by)
                raise ChoiceMissing("step", field="step")

            changed = records.COMPLAINTS.change(connection, request.complaint_id, rule)
            return wire.StepComplaintResponse(complaint=COMPLAINT.to_message(changed))

        return await self._write(request, wire.StepComplaintResponse, work, request.complaint_id)

    # Fees

    async def AssessFees(self, request: wire.AssessFeesRequest, context: Any) -> Any:
        units = {one.fee: one.units or 1 for one in request.quantities}
        local = {
            one.fee: one.local_amount_fen for one in request.quantities if one.local_amount_fen
        }

        less = {
            one.fee: fees.Reduction(one.reduced_fen, one.reduction)
            for one in request.quantities
            if one.reduced_fen
        }

        def anew(connection: Connection) -> FeeAccount:
            case = cases.load(connection, request.case_id)
            if case.home != self._hall.address:
                raise FeeCollectedElsewhere("case_id", hall=case.home)
            item = cases.item_of(connection, self._hall, case)
            if item is None:
                raise ItemUnknown("case_id", item=case.filed.item_id)
            account = fees.assessed(case.case_id, item, units, local, less)
            return refunds.settled(account, case)

        def work(connection: Connection) -> wire.AssessFeesResponse:
            known = records.FEES.find(connection, request.case_id)
            if known is None:
                known = records.FEES.add(connection, anew(connection))
            elif request.quantities:
                known = records.FEES.change(
                    connection,
                    request.case_id,
                    lambda account: fees.assessed_anew(account, anew(connection)),
                )
            return wire.AssessFeesResponse(account=FEE_ACCOUNT.to_message(known))

        return await self._write(request, wire.AssessFeesResponse, work, request.case_id)

    async def PlanInstalments(self, request: wire.PlanInstalmentsRequest, context: Any) -> Any:
        parts = tuple(INSTALMENT.from_message(part) for part in request.instalments)

        def rule(account: FeeAccount) -> FeeAccount:
            return fees.planned(account, parts)

        return await self._fee(request, wire.PlanInstalmentsResponse, rule)

    async def StepInstalments(self, request: wire.StepInstalmentsRequest, context: Any) -> Any:
        by = request.act.actor_id

        def rule(account: FeeAccount) -> FeeAccount:
            match request.step:
                case wire.INSTALMENT_STEP_REVIEW:
                    return fees.reviewed(account, by)
                case wire.INSTALMENT_STEP_APPROVE:
                    return fees.approved(account, by)
                case wire.INSTALMENT_STEP_PROMISE:
                    return fees.promised(account, request.promise_digest)
            raise ChoiceMissing("step", field="step")

        def promise_is_here(connection: Connection) -> None:
            if request.step != wire.INSTALMENT_STEP_PROMISE:
                return
            if not materials.is_here(connection, request.promise_digest):
                raise RecordUnknown("promise_digest")

        return await self._fee(request, wire.StepInstalmentsResponse, rule, promise_is_here)

    async def RecordPayment(self, request: wire.RecordPaymentRequest, context: Any) -> Any:
        payment = Payment(request.receipt_no, request.amount_fen, self._clock())

        def rule(account: FeeAccount) -> FeeAccount:
            return fees.paid(account, payment)

        return await self._fee(request, wire.RecordPaymentResponse, rule)

    async def RefundFee(self, request: wire.RefundFeeRequest, context: Any) -> Any:
        refund = Refund(
            request.refund_no,
            request.amount_fen,
            request.reason,
            request.act.actor_id,
            self._clock(),
        )

        def rule(account: FeeAccount) -> FeeAccount:
            return fees.refunded(account, refund)

        return await self._fee(request, wire.RefundFeeResponse, rule)

    async def GetFees(self, request: wire.GetFeesRequest, context: Any) -> Any:
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.GetFeesResponse:
            self._staff(connection, request.act)
            account = records.FEES.find(connection, request.case_id)
            if account is None:
                return wire.GetFeesResponse(may_issue=True)
            calendar = self._hall.releases.calendar(connection)
            return wire.GetFeesResponse(
                account=FEE_ACCOUNT.to_message(account),
                outstanding_fen=max(0, account.outstanding),
                may_issue=_may_issue(account),
                held_fen=max(0, account.held),
                reminders=[
                    REMINDER.to_message(one) for one in fees.reminders(account, today, calendar)
                ],
            )

        return await self._recorded(
            "GetFees", request.act.actor_id, request.case_id, self._database.read(look)
        )

    async def _fee(
        self,
        request: Any,
        response: Callable[..., Response],
        rule: Callable[[FeeAccount], FeeAccount],
        require: Callable[[Connection], None] = lambda connection: None,
    ) -> Any:
        def work(connection: Connection) -> Any:
            require(connection)
            changed = records.FEES.change(connection, request.case_id, rule)
            return response(account=FEE_ACCOUNT.to_message(changed))

        return await self._write(request, response, work, request.case_id)  # type: ignore[arg-type]

    # Score sheets

    async def PutScoreSheet(self, request: wire.PutScoreSheetRequest, context: Any) -> Any:
        scoring = Scoring(SCORE_SHEET.from_message(request.sheet))
        score = scoring.score()

        def work(connection: Connection) -> wire.PutScoreSheetResponse:
            if records.SCORES.find(connection, scoring.sheet.sheet_id) is not None:
                raise ScoreSheetMalformed("sheet_id", detail="考核表已经发布，不能更改")
            records.SCORES.add(connection, scoring)
            return wire.PutScoreSheetResponse(score=SCORE.to_message(score))

        return await self._write(request, wire.PutScoreSheetResponse, work)

    async def PutEvidence(self, request: wire.PutEvidenceRequest, context: Any) -> Any:
        piece = EVIDENCE.from_message(request.evidence)

        def work(connection: Connection) -> wire.PutEvidenceResponse:
            changed = records.SCORES.change(
                connection, request.sheet_id, lambda one: scores.with_evidence(one, piece)
            )
            return wire.PutEvidenceResponse(score=SCORE.to_message(changed.score()))

        return await self._write(request, wire.PutEvidenceResponse, work, request.sheet_id)

    async def GetScore(self, request: wire.GetScoreRequest, context: Any) -> Any:
        scoring = await self._database.read(lambda c: records.SCORES.find(c, request.sheet_id))
        if scoring is None:
            raise RecordUnknown("sheet_id")
        if request.claimed >= 0:
            scores.require_reproducible(scoring.sheet, scoring.evidence, request.claimed)
        return wire.GetScoreResponse(score=SCORE.to_message(scoring.score()))

    # Lists

    async def ListDue(self, request: wire.ListDueRequest, context: Any) -> Any:
        kinds = [chosen(RecordKind, kind, "kinds") for kind in request.kinds]
        page = Page.of(request.page_size, request.page_token)
        today = day_of(self._clock())

        def look(connection: Connection) -> wire.ListDueResponse:
            self._staff(connection, request.act)
            rows = records.due(connection, kinds, request.owner, page)
            places = [page.after + number for number in range(1, len(rows) + 1)]
            return wire.ListDueResponse(
                records=[
                    wire.DueRecord(
                        kind=row.kind,
                        record_id=row.record_id,
                        subject=row.subject,
                        owner=row.owner,
                        due_on=row.due_on.isoformat(),
                        overdue=row.due_on < today,
                    )
                    for row in rows[: page.size]
                ],
                next_page_token=page.next_token(places),
            )

        return await self._recorded("ListDue", request.act.actor_id, "", self._database.read(look))

    # Agents

    async def GetAgentCoverage(self, request: wire.GetAgentCoverageRequest, context: Any) -> Any:
        register = self._hall.register
        within = request.within or self._hall.address.division
        register.name(Address.parse(within, "within").division)

        def look(connection: Connection) -> list[Agent]:
            return [
                Agent(account.actor.actor_id, account.points)
                for account in accounts.agents(connection)
            ]

        found = list(coverage(await self._database.read(look), register, within, request.item_id))
        gaps = without_agent(found)
        return wire.GetAgentCoverageResponse(
            villages=[COVERAGE.to_message(one) for one in (gaps if request.only_gaps else found)],
            total=len(found),
            gaps=len(gaps),
        )


def _indicator_shares(
    found: Sequence[Rating], edition: RatingIndicators
) -> Iterator[wire.IndicatorShare]:
    for channel in (RatingChannel.ON_SITE, RatingChannel.ONLINE):
        for one in ratings.asked_of(channel, edition):
            share = ratings.satisfied_with(found, one.code, edition.version)
            yield wire.IndicatorShare(
                channel=channel,  # type: ignore[arg-type]
                code=one.code,
                title=one.title,
                satisfied=SHARE.to_message(share),
            )


def _ticket_limits(policy: Policy) -> complaints.Limits:
    """The usual ones, where the policy does not say others."""
    own = {
        ComplaintKind.ENQUIRY: policy.ticket_enquiry_limit,
        ComplaintKind.REQUEST: policy.ticket_request_limit,
        ComplaintKind.COMPLAINT: policy.ticket_complaint_limit,
    }
    return {kind: limit or complaints.USUAL_LIMITS[kind] for kind, limit in own.items()}


def _may_issue(account: FeeAccount) -> bool:
    try:
        fees.require_may_issue(account)
    except Problem:
        return False
    return True
