"""Retention: nothing goes before its year, without a second person, or while nobody said how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DatabaseError, IntegrityError

from feedback.models import Case, Consultation, Contact, Method, Reply, TopicLabel
from feedback.queries import opened_with
from feedback.retention import plans, queries
from feedback.retention.carrying import NotApproved, carry_out
from feedback.retention.holdings import GONE
from feedback.retention.models import DisposalPlan, Outcome, PlanState
from feedback.rights.models import RightKind
from feedback.services import answering, deadlines, ratings, routing, search_index
from portal import sweep
from portal.access import Actor, Role
from portal.app import profile
from portal.clock import TAIPEI
from portal.db import Model, db, transaction
from portal.errors import BadInput, NotFound
from portal.outbox import OutboxMessage
from portal.profile import Profile
from portal.profile.records import Retention
from tests.factories import NOW, SITE, answered_case, get_case, letter, make_actor, make_case, unit
from tests.feedback.data_rights import REFUSAL, WHO, asked, decide, secretary

SignIn = Callable[[Actor], FlaskClient]
FIVE = Retention(years=5, archive_class="0412", source="測試", confirmed=True)
AFTER = datetime(2032, 1, 1, 9, tzinfo=TAIPEI)  # five full years after 2026 have passed
BEFORE = datetime(2031, 12, 31, 23, tzinfo=TAIPEI)
SECRET, WORDS = "0123ABCD4567", letter().body


@pytest.fixture(autouse=True)
def _database(ctx: Flask) -> None:
    pass


def with_rule(rule: Retention = FIVE) -> Profile:
    return profile().model_copy(update={"retention": rule})


def closed(**values: object) -> Case:
    """A letter answered and closed on NOW, with contact data and a rating."""
    restricted = values.get("hint") == "IN-ETHIC"
    by = make_actor(Role.ETHICS, "ethics") if restricted else make_actor()
    case = answered_case(by, **(WHO | {"secret": SECRET} | values))
    ratings.rate(case.id, score=4, comment="說得清楚", profile=profile(), now=NOW)
    answering.close(case.id, by=by, now=NOW)
    return get_case(case.id)


def proposed(by: Actor | None = None, *, now: datetime = AFTER) -> DisposalPlan:
    return plans.propose(by=by or secretary(), profile=with_rule(), now=now)


def approved(now: datetime = AFTER) -> DisposalPlan:
    return plans.approve(proposed(now=now).id, reference="檔徵字第1號", by=secretary(), now=now)


def carried_out(
    plan: DisposalPlan, app: Flask, *, rule: Retention = FIVE, now: datetime = AFTER
) -> dict[str, str]:
    """Carry a plan out and say of each letter how it ended: "" when destroyed, else why it was kept."""
    carry_out(plan.id, app.extensions["holdings"], profile=with_rule(rule), now=now)
    return {item.number: item.why for item in queries.items(plan.id) if item.outcome}


def reopen(case: Case, **values: object) -> None:
    with transaction() as session:
        session.execute(sa.update(Case).where(Case.id == case.id).values(**values))


# How long


@pytest.mark.parametrize(
    ("years", "label"), [(None, "未訂定"), (1, "1年"), (30, "30年"), ("permanent", "永久")]
)
def test_a_period_is_always_written_with_its_unit(years: int | str | None, label: str) -> None:
    assert Retention(years=years).label == label


@pytest.mark.parametrize("years", [0, 2, 7, 31, -5, "10"])
def test_only_the_archives_periods_are_periods(years: object) -> None:
    with pytest.raises(ValueError, match="years"):
        Retention(years=years)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    "rule", [Retention(), Retention(years=5), Retention(years="permanent", confirmed=True), None]
)
def test_nothing_is_disposed_of_until_the_agency_has_said_how_long(
    rule: Retention | None, ctx: Flask
) -> None:
    """The bureau's own profile (None) has not."""
    closed()
    rules = with_rule(rule) if rule else profile()
    much_later = NOW + timedelta(days=36500)
    with pytest.raises(BadInput, match="保存年限"):
        plans.propose(by=secretary(), profile=rules, now=much_later)
    plan = approved()
    with pytest.raises(BadInput, match="保存年限"):
        carry_out(plan.id, ctx.extensions["holdings"], profile=rules, now=much_later)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Contact)) == 1


def test_years_are_full_calendar_years_after_the_one_of_closing() -> None:
    assert queries.keep_until(datetime(2026, 1, 1, tzinfo=TAIPEI), 5) == date(2031, 12, 31)
    assert queries.keep_until(datetime(2025, 12, 31, 16, 30, tzinfo=TAIPEI), 1) == date(2026, 12, 31)
    closed()
    with pytest.raises(plans.NothingDisposable):
        proposed(now=BEFORE)
    assert [item.keep_until for item in queries.items(proposed().id)] == [date(2031, 12, 31)]


def test_open_and_merely_answered_letters_are_never_in_a_plan() -> None:
    answered_case(make_actor())
    with pytest.raises(plans.NothingDisposable):
        proposed()


def test_a_letter_is_in_one_plan_at_a_time() -> None:
    closed()
    first = proposed()
    with pytest.raises(plans.NothingDisposable):
        proposed()
    plans.withdraw(first.id, by=secretary(), now=AFTER)
    assert proposed().state is PlanState.PROPOSED


# Who


def test_a_plan_is_not_approved_by_its_maker() -> None:
    closed()
    maker = secretary()
    plan = proposed(maker)
    with pytest.raises(plans.OwnPlan):
        plans.approve(plan.id, reference="檔徵字第1號", by=maker, now=AFTER)
    with db.session.begin_nested() as savepoint:
        with pytest.raises(IntegrityError):
            db.session.execute(
                sa.update(DisposalPlan).values(approved_by=maker.id, approved_at=AFTER, reference="x")
            )
        savepoint.rollback()


@pytest.mark.parametrize("role", [Role.HANDLER, Role.HEAD, Role.ADMIN])
def test_others_have_no_part_in_disposal(role: Role) -> None:
    closed()
    plan, other = proposed(), make_actor(role, "secretariat")
    assert queries.one(other, plan.id) is None
    with pytest.raises(NotFound):
        plans.approve(plan.id, reference="檔徵字第1號", by=other, now=AFTER)


def test_restricted_letters_are_in_plans_of_their_own_unit_alone() -> None:
    plain, hidden = closed(), closed(hint="IN-ETHIC")
    desk, ethics = secretary(), make_actor(Role.ETHICS, "ethics")
    ordinary, restricted = proposed(desk), proposed(ethics)
    assert [item.number for item in queries.items(ordinary.id)] == [plain.number]
    assert [item.number for item in queries.items(restricted.id)] == [hidden.number]
    assert queries.one(desk, restricted.id) is None
    assert queries.one(ethics, ordinary.id) is None
    assert queries.one(make_actor(Role.ETHICS, "standards"), restricted.id) is None


# Carrying out


def test_disposal_takes_words_and_persons_and_keeps_the_register(ctx: Flask) -> None:
    case = closed()
    register = (case.number, case.received_at, case.closed_at)
    labels = sa.select(sa.func.count()).select_from(TopicLabel)
    plan = approved()
    assert carried_out(plan, ctx) == {case.number: ""}
    gone = get_case(case.id)
    assert (gone.number, gone.received_at, gone.closed_at) == register
    assert (gone.subject, gone.body) == (GONE, GONE)
    assert db.session.get(Contact, case.id) is None
    assert db.session.scalars(sa.select(Reply.body)).all() == [GONE]
    assert db.session.scalar(labels) == 0
    assert opened_with(case.number, SECRET) is None
    (line,) = queries.items(plan.id)
    assert (line.number, line.unit, line.closed_on) == (case.number, "標準組", date(2026, 11, 23))
    done = queries.one(secretary(), plan.id)
    assert done is not None
    assert (done.state, done.retention_years) == (PlanState.DONE, 5)
    assert carried_out(plan, ctx) == {case.number: ""}  # once more changes nothing


@pytest.mark.parametrize("state", ["proposed", "withdrawn"])
def test_only_an_approved_plan_is_carried_out(state: str, ctx: Flask) -> None:
    case = closed()
    plan = proposed()
    if state == "withdrawn":
        plans.withdraw(plan.id, by=secretary(), now=AFTER)
    with pytest.raises(NotApproved):
        carried_out(plan, ctx)
    assert get_case(case.id).body == WORDS


def test_letters_not_past_their_year_stay_even_in_an_approved_plan(ctx: Flask) -> None:
    early, longer = closed(), replace_rule(years=10)
    plan = approved()
    assert carried_out(plan, ctx, now=BEFORE) == {early.number: "not-due"}
    plan = approved()
    assert carried_out(plan, ctx, rule=longer) == {early.number: "not-due"}
    assert get_case(early.id).body == WORDS


def replace_rule(**values: object) -> Retention:
    return FIVE.model_copy(update=values)


def test_a_period_shortened_since_does_not_shorten_the_plans_own(ctx: Flask) -> None:
    case = closed()
    plan = approved()
    short = replace_rule(years=1)
    assert carried_out(plan, ctx, rule=short, now=BEFORE) == {case.number: "not-due"}


def test_open_disputed_and_moved_letters_stay_even_in_an_approved_plan(ctx: Flask) -> None:
    late, disputed, moved = closed(), closed(), closed()
    plan = approved()
    reopen(late, closed_at=AFTER)
    asked(RightKind.DELETE, disputed, now=AFTER)
    reopen(moved, restricted=True)
    assert carried_out(plan, ctx) == {
        late.number: "not-due",
        disputed.number: "request",
        moved.number: "moved",
    }
    assert {get_case(case.id).body for case in (late, disputed, moved)} == {WORDS}


def test_a_disputed_letter_goes_into_a_plan_once_the_request_is_decided() -> None:
    request = asked(RightKind.DELETE, closed(), now=AFTER)
    with pytest.raises(plans.NothingDisposable):
        proposed()
    decide(request, REFUSAL, now=AFTER)
    assert proposed().state is PlanState.PROPOSED


def test_a_letter_taken_out_stays(ctx: Flask) -> None:
    kept, gone = closed(), closed()
    plan = proposed()
    plans.take_out(plan.id, case_number=kept.number, by=secretary(), now=AFTER)
    with pytest.raises(BadInput):
        plans.take_out(plan.id, case_number=kept.number, by=secretary(), now=AFTER)
    plans.approve(plan.id, reference="檔徵字第1號", by=secretary(), now=AFTER)
    assert carried_out(plan, ctx) == {kept.number: "taken-out", gone.number: ""}
    with pytest.raises(plans.NoLongerProposed):
        plans.withdraw(plan.id, by=secretary(), now=AFTER)


def test_batches_end_where_one_long_run_would(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.retention.carrying.BATCH", 2)
    cases = [closed() for _ in range(5)]
    done = carry_out(approved().id, ctx.extensions["holdings"], profile=with_rule(), now=AFTER)
    assert done == {Outcome.DESTROYED: len(cases)}


def test_every_table_that_points_at_a_letter_says_what_disposal_does_to_it(ctx: Flask) -> None:
    """A new table must be named with `feedback.retention.holdings.add` by the feature that owns it."""
    pointing, more = {"cases"}, True
    while more:  # also tables that point at those that point at letters, by a letter's id
        found = {
            table.name
            for table in Model.metadata.tables.values()
            for key in table.foreign_keys
            if key.column.table.name in pointing
            and key.column.name in {"case_id", "id"}
            and (key.column.table.name == "cases" or key.column.name == "case_id")
        }
        more = not found <= pointing
        pointing |= found
    named = [holding.table for holding in ctx.extensions["holdings"]]
    assert sorted(set(named)) == sorted(pointing)
    assert len(named) == len(set(named))
    assert all(holding.destroy or holding.why_kept for holding in ctx.extensions["holdings"])


def test_no_column_of_any_table_keeps_a_destroyed_letters_words(ctx: Flask) -> None:
    """Every kind of word that a letter gathers on its way is the same strange one, looked for everywhere."""
    word, by, head = "鴯鶓紫檀", make_actor(), make_actor(Role.HEAD)
    known = {"profile": profile(), "site_url": SITE, "now": NOW}
    case = make_case(unit_code="standards", subject=word, body=word, name=word, email="emu@example.com")
    routing.consult(case.id, unit_id=unit("it").id, question=word, by=by, profile=profile(), now=NOW)
    asked_of = db.session.scalars(sa.select(Consultation.id)).one()
    routing.give_opinion(asked_of, opinion=word, by=make_actor(unit_code="it"), now=NOW)
    deadlines.ask_citizen(case.id, question=word, by=by, **known)
    deadlines.supplement(case.id, body=word, profile=profile(), now=NOW)
    deadlines.interim(case.id, body=word, by=by, **known)
    deadlines.extend(case.id, days=3, reason=word, by=head, **known)
    routing.transfer(case.id, unit_id=unit("it").id, reason=word, by=by, now=NOW)
    routing.refuse(case.id, reason=word, by=make_actor(unit_code="it"), now=NOW)
    answering.submit(case.id, body=word, method=Method.WRITTEN, by=by, now=NOW)
    answering.send_back(case.id, comment=word, by=head, now=NOW)
    answering.submit(case.id, body=word, method=Method.WRITTEN, by=by, now=NOW)
    answering.approve(case.id, by=head, now=NOW)
    answering.send(case.id, by=by, **known)
    ratings.rate(case.id, score=4, comment=word, profile=profile(), now=NOW)
    answering.close(case.id, by=by, now=NOW)
    search_index.index_waiting(NOW)
    assert len(places_of(word)) > 10
    with transaction() as session:
        session.execute(sa.update(OutboxMessage).values(sent_at=NOW))
    sweep.run(AFTER)
    assert carried_out(approved(), ctx) == {case.number: ""}
    assert places_of(word) | places_of("emu@example.com") == set()


def places_of(word: str) -> set[str]:
    """Tables and columns in which a word stands."""
    db.session.expire_all()
    return {
        f"{table.name}.{column.name}"
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.String | sa.JSON)
        for value in db.session.scalars(sa.select(column))
        if word in str(value)
    }


# The database's own guard


def test_the_database_refuses_to_delete_a_letter() -> None:
    case = closed()
    with db.session.begin_nested() as savepoint:
        with pytest.raises(DatabaseError, match="registered letters are never deleted"):
            db.session.execute(sa.text("DELETE FROM cases WHERE id = :id"), {"id": case.id})
        savepoint.rollback()
    assert get_case(case.id).number == case.number


# The command


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch, ctx: Flask) -> None:
    """The command line in 2032, of an agency that has set its retention."""
    monkeypatch.setitem(ctx.extensions, "profile", with_rule())
    monkeypatch.setattr("feedback.retention.cli.utcnow", lambda: AFTER)


def run(ctx: Flask, *command: str) -> str:
    result = ctx.test_cli_runner().invoke(args=["retention", *command])
    return f"{result.exit_code} {result.output}"


def test_the_report_lists_ordinary_letters_counts_restricted_ones_and_changes_nothing(
    far: None, ctx: Flask
) -> None:
    case, hidden = closed(), closed(hint="IN-ETHIC")
    before = [dict(row) for row in db.session.execute(sa.select(Case.__table__)).mappings()]
    said = run(ctx, "report", "--on", "2032-01-01")
    assert said.startswith("0 ")
    assert "可以列入銷毀計畫：1 封，另有限閱的 1 封" in said
    assert "115年結案  2 封" in said
    text = (Path(ctx.config["QINGTING"].instance) / "reports" / "retention-2032-01-01.csv").read_text("utf-8")
    assert case.number in text
    assert "0412" in text
    assert "5年" in text
    assert "120年12月31日" in text
    assert hidden.number not in text
    assert [dict(row) for row in db.session.execute(sa.select(Case.__table__)).mappings()] == before
    assert queries.plans(secretary()) == []


def test_without_a_retention_the_report_only_counts(ctx: Flask) -> None:
    closed()
    said = run(ctx, "report", "--on", "2099-01-01")
    assert "未訂定（待機關確認）" in said
    assert "不會銷毀任何信件" in said
    assert not (ctx.config["QINGTING"].instance / "reports" / "retention-2099-01-01.csv").exists()


def test_the_command_carries_out_an_approved_plan_and_no_other(far: None, ctx: Flask) -> None:
    closed()
    plan = proposed()
    assert run(ctx, "carry-out", plan.number, "--yes").startswith("1 ")
    plans.approve(plan.id, reference="檔徵字第1號", by=secretary(), now=AFTER)
    assert "已銷毀 1 封，保留 0 封" in run(ctx, "carry-out", plan.number, "--yes")
    for wrong in ("銷115-9999", "x", "1;2"):
        assert run(ctx, "carry-out", wrong, "--yes").startswith("1 ")


def test_a_dry_sweep_counts_and_a_real_one_clears(ctx: Flask) -> None:
    """What each sweep takes is tested beside it, in tests/portal/test_sweep.py."""
    assert "將清除 0 筆" in run(ctx, "sweep", "--dry-run")
    assert "已清除 0 筆" in run(ctx, "sweep")
