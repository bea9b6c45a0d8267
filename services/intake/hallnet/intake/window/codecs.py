"""How the values around a window are written, on the wire and in the tables."""

from __future__ import annotations

from hallnet.case.fee import FeeAccount, Instalment, Reminder
from hallnet.codec import Codec
from hallnet.window.agents import VillageCoverage
from hallnet.window.complaint import Complaint
from hallnet.window.enquiry import Enquiry
from hallnet.window.invitation import Invitation
from hallnet.window.paper_request import PaperAnswer, PaperRequest
from hallnet.window.personal_copy import PersonalCopy
from hallnet.window.personal_request import PersonalRequest
from hallnet.window.queue import Ticket, Waits, Window
from hallnet.window.rating import IndicatorRating, Rating, Share
from hallnet.window.rota import Absence, Gap, Post, Shift
from hallnet.window.score import Evidence, Score, ScoreSheet, Scoring
from hallnet.window.slots import Slot, SlotPlan
from hallnet.wire.window.v1 import paper_request_pb2 as wire_paper
from hallnet.wire.window.v1 import personal_pb2 as wire_personal
from hallnet.wire.window.v1 import window_pb2 as wire

WINDOW: Codec[Window] = Codec(Window, wire.Window)
TICKET: Codec[Ticket] = Codec(Ticket, wire.Ticket)
WAITS: Codec[Waits] = Codec(Waits, wire.Waits)
SLOT: Codec[Slot] = Codec(Slot, wire.Slot)
SLOT_PLAN: Codec[SlotPlan] = Codec(SlotPlan, wire.SlotPlan)
POST: Codec[Post] = Codec(Post, wire.Post)
SHIFT: Codec[Shift] = Codec(Shift, wire.Shift)
ABSENCE: Codec[Absence] = Codec(Absence, wire.Absence)
GAP: Codec[Gap] = Codec(Gap, wire.Gap)
ENQUIRY: Codec[Enquiry] = Codec(Enquiry, wire.Enquiry)
RATING: Codec[Rating] = Codec(Rating, wire.Rating)
INDICATOR_RATING: Codec[IndicatorRating] = Codec(IndicatorRating, wire.IndicatorRating)
INVITATION: Codec[Invitation] = Codec(Invitation, wire.Invitation)
SHARE: Codec[Share] = Codec(Share, wire.Share)
COMPLAINT: Codec[Complaint] = Codec(Complaint, wire.Complaint)
PERSONAL_REQUEST: Codec[PersonalRequest] = Codec(PersonalRequest, wire_personal.PersonalRequest)
PERSONAL_COPY: Codec[PersonalCopy] = Codec(PersonalCopy, wire_personal.PersonalCopy)
PAPER_REQUEST: Codec[PaperRequest] = Codec(PaperRequest, wire_paper.PaperRequest)
PAPER_ANSWER: Codec[PaperAnswer] = Codec(PaperAnswer, wire_paper.PaperAnswer)
FEE_ACCOUNT: Codec[FeeAccount] = Codec(FeeAccount, wire.FeeAccount)
INSTALMENT: Codec[Instalment] = Codec(Instalment, wire.Instalment)
REMINDER: Codec[Reminder] = Codec(Reminder, wire.Reminder)
SCORE_SHEET: Codec[ScoreSheet] = Codec(ScoreSheet, wire.ScoreSheet)
EVIDENCE: Codec[Evidence] = Codec(Evidence, wire.Evidence)
SCORING: Codec[Scoring] = Codec(Scoring, wire.Scoring)
SCORE: Codec[Score] = Codec(Score, wire.Score)
COVERAGE: Codec[VillageCoverage] = Codec(VillageCoverage, wire.VillageCoverage)
