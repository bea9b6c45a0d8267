"""Answered requests: a write that is sent again has no second effect."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select
from tests.store.builders import NOW, answered, made, thing, together

from hallnet.store import Connection, Database, requests
from hallnet.store.requests import KEPT_FOR, RequestIdMissing, RequestIdReused
from hallnet.wire.case.v1 import case_event_pb2 as wire

REQUEST = wire.Withdrawn(reason="不办了")


def ask(
    database: Database,
    request_id: str = "request-0001",
    request: wire.Withdrawn | wire.HandOverFailed = REQUEST,
    answer: str = "first",
) -> str:
    """A write that makes a thing and answers; gives the text of the answer."""

    def work(connection: Connection) -> str:
        def act() -> wire.Reviewed:
            made_so_far = connection.execute(select(func.count()).select_from(thing)).scalar_one()
            name = f"{answer} {made_so_far}"
            connection.execute(insert(thing).values(name=name, amount=1))
            return wire.Reviewed(explanation=answer)

        now = NOW + timedelta(seconds=len(answer))
        return answered.once(connection, request_id, request, now, wire.Reviewed, act).explanation

    return database.transact(work)


def effects(database: Database) -> int:
    return database.look(lambda c: c.execute(select(func.count()).select_from(thing)).scalar_one())


def test_the_same_request_again_gets_the_first_answer_and_has_no_effect(
    database: Database,
) -> None:
    made(database)
    assert ask(database) == "first"
    assert ask(database, answer="second") == "first"
    assert effects(database) == 1


def test_another_id_is_another_act(database: Database) -> None:
    made(database)
    assert ask(database, "request-0001") == "first"
    assert ask(database, "request-0002", answer="second") == "second"
    assert effects(database) == 2


def test_an_id_that_belongs_to_another_request_is_refused(database: Database) -> None:
    made(database)
    ask(database)
    with pytest.raises(RequestIdReused) as refused:
        ask(database, request=wire.Withdrawn(reason="别的"))
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert effects(database) == 1


def test_an_id_that_belongs_to_a_request_of_another_kind_is_refused(database: Database) -> None:
    """Also where both have the same bytes."""
    made(database)
    same_bytes = wire.HandOverFailed(reason=REQUEST.reason)
    assert same_bytes.SerializeToString() == REQUEST.SerializeToString()
    ask(database)
    with pytest.raises(RequestIdReused):
        ask(database, request=same_bytes)


@pytest.mark.parametrize("request_id", ["12345678", "a" * 64, "A-b-C-1-2", "0192-abcd-EF"])
def test_an_id_is_eight_to_sixty_four_letters_digits_or_hyphens(
    database: Database, request_id: str
) -> None:
    made(database)
    assert ask(database, request_id) == "first"
    assert ask(database, request_id, answer="second") == "first"


@pytest.mark.parametrize(
    "request_id",
    [
        "",
        "1234567",
        "a" * 65,
        "--------",
        "with space",
        "under_score",
        "line\nfeed1",
        "半角字符以外的编号",
        "１２３４５６７８",
        "quote'quote",
        "zero\x00byte",
    ],
)
def test_a_malformed_id_is_refused_and_nothing_is_done(database: Database, request_id: str) -> None:
    made(database)
    with pytest.raises(RequestIdMissing) as refused:
        ask(database, request_id)
    assert refused.value.where == "request_id"
    assert effects(database) == 0


def test_an_act_that_failed_was_not_answered_and_may_be_tried_again(database: Database) -> None:
    made(database)

    def fail(connection: Connection) -> None:
        def act() -> wire.Reviewed:
            raise ValueError("no")

        answered.once(connection, "request-0001", REQUEST, NOW, wire.Reviewed, act)

    with pytest.raises(ValueError, match="no"):
        database.transact(fail)
    assert ask(database, answer="later") == "later"


def test_of_many_who_send_the_same_request_at_once_one_acts_and_all_get_its_answer(
    database: Database,
) -> None:
    made(database)
    answers = together(5, lambda number: ask(database, answer=f"answer {number}"))
    assert len(set(answers)) == 1
    assert effects(database) == 1


def test_an_answer_is_kept_for_its_term_and_then_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FORGOTTEN_AT_ONCE_MAX", 2)
    made(database)
    for number in range(3):
        ask(database, f"request-000{number}")
    ask(database, "request-0009", answer="a later one")

    def forget(now: datetime) -> int:
        return database.transact(lambda c: answered.forget_old(c, now))

    first_answered = NOW + timedelta(seconds=len("first"))
    assert forget(first_answered + KEPT_FOR) == 0
    assert ask(database, "request-0000", answer="again") == "first"
    over = first_answered + KEPT_FOR + timedelta(seconds=1)
    assert [forget(over), forget(over), forget(over)] == [2, 1, 0]
    assert ask(database, "request-0000", answer="again") == "again"
    assert ask(database, "request-0009") == "a later one"
