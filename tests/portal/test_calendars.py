"""The agency's calendar in the database: what overlays what, who is told, what is written down."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import calendars
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.calendars import changes, services
from portal.calendars.checks import coverage
from portal.calendars.models import CalendarDay
from portal.calendars.official import read_table
from portal.clock import TAIPEI, OfficeCalendar
from portal.db import UNIT_OF_WORK, db
from portal.errors import NotFound
from tests.factories import NOW, make_actor
from tests.feedback.test_inbox import counted
from tests.portal.calendar_files import NAMED, content, lines

TYPHOON = date(2026, 11, 26)
NEW_YEAR = date(2028, 1, 1)
HERE = "tests.portal.test_calendars"

told: list[tuple[frozenset[date], Actor | None, bool]] = []


def fake(
    session: Session,
    calendar: OfficeCalendar,
    changed_days: frozenset[date],
    *,
    by: Actor | None,
    now: datetime,
) -> int:
    """A feature with three deadlines in its care; it remembers what it was told."""
    inside = UNIT_OF_WORK in session.info
    told.append((changed_days, by, inside and all(not calendar.is_working_day(day) for day in changed_days)))
    return 3


def broken(
    session: Session,
    calendar: OfficeCalendar,
    changed_days: frozenset[date],
    *,
    by: Actor | None,
    now: datetime,
) -> int:
    raise RuntimeError("a deadline could not be moved")


@pytest.fixture(autouse=True)
def listener(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ctx.extensions, "calendar_listeners", [])
    calendars.on_change(ctx, f"{HERE}:fake")
    told.clear()


@pytest.fixture
def keeper() -> Actor:
    return make_actor(Role.SECRETARIAT, "secretariat")


def current() -> OfficeCalendar:
    return calendars.office_calendar(db.session(), profile())


def close_on(
    day: date, by: Actor, *, is_working: bool = False, name: str = "颱風停止上班"
) -> services.Change:
    return services.enter_day(day, is_working=is_working, name=name, by=by, profile=profile(), now=NOW)


def take_back(day: date, by: Actor) -> services.Change:
    return services.remove_day(day, by=by, profile=profile(), now=NOW)


def take_in(file: bytes, by: Actor | None) -> services.Change:
    return services.import_table(read_table(file), by=by, profile=profile(), now=NOW)


def audited() -> list[tuple[str, str, object]]:
    wanted = sa.select(AuditEvent).where(AuditEvent.object_type == "calendar").order_by(AuditEvent.id)
    return [(event.action, event.object_id, event.detail) for event in db.session.scalars(wanted)]


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(CalendarDay)) or 0


# What overlays what


def test_without_a_row_the_calendar_is_the_profiles() -> None:
    assert current().days_unlike(profile().office_calendar) == set()
    assert calendars.known_years(db.session(), profile()) == {2025, 2026, 2027}


def test_a_closed_day_is_off_until_it_is_taken_back(keeper: Actor) -> None:
    assert current().is_working_day(TYPHOON)
    close_on(TYPHOON, keeper)
    assert not current().is_working_day(TYPHOON)
    take_back(TYPHOON, keeper)
    assert current().is_working_day(TYPHOON)


def test_a_day_off_may_be_said_to_be_worked(keeper: Actor) -> None:
    holiday = date(2026, 12, 25)
    close_on(holiday, keeper, is_working=True, name="照常上班")
    assert current().is_working_day(holiday)


def test_an_imported_year_replaces_the_profiles(keeper: Actor) -> None:
    two = {date(2026, 1, 1): "開國紀念日", date(2026, 12, 24): "補假"}
    take_in(content(lines(2026, two)), keeper)
    assert not current().is_working_day(date(2026, 12, 24))
    assert current().is_working_day(date(2026, 12, 25))
    assert not current().is_working_day(date(2027, 1, 1))


def test_an_entered_day_lies_above_an_imported_one_which_comes_back(keeper: Actor) -> None:
    holiday = date(2028, 5, 1)
    take_in(content(), keeper)
    close_on(holiday, keeper, is_working=True, name="照常上班")
    assert current().is_working_day(holiday)
    take_in(content(), keeper)
    assert current().is_working_day(holiday)
    take_back(holiday, keeper)
    assert not current().is_working_day(holiday)


# The official table


def test_only_days_that_are_no_ordinary_workday_or_weekend_are_kept(keeper: Actor) -> None:
    take_in(content(), keeper)
    assert count() == len(NAMED) + 1
    calendar = current()
    assert calendar.is_working_day(date(2028, 2, 12))
    assert not any(calendar.is_working_day(day) for day in NAMED)
    assert calendars.known_years(db.session(), profile()) == {2025, 2026, 2027, 2028}


def test_importing_a_file_again_changes_nothing_and_tells_nobody(keeper: Actor) -> None:
    first = take_in(content(), keeper)
    again = take_in(content(encoding="cp950"), keeper)
    assert first == services.Change(10, 3)  # 元旦 of 117 is a Saturday; one Saturday is worked
    assert again == services.Change(0, 0)
    assert len(told) == 1
    assert count() == len(NAMED) + 1


def test_a_corrected_file_takes_the_place_of_the_earlier_one(keeper: Actor) -> None:
    take_in(content(), keeper)
    corrected = [row.replace("20280501,一,2,勞動節", "20280501,一,0,") for row in lines()]
    take_in(content(corrected), None)
    assert current().is_working_day(date(2028, 5, 1))
    assert count() == len(NAMED)


# Who is told


def test_listeners_hear_of_the_changed_days_in_the_same_transaction(keeper: Actor) -> None:
    change = close_on(TYPHOON, keeper)
    assert told == [(frozenset({TYPHOON}), keeper, True)]
    assert change == services.Change(1, 3)


def test_a_day_that_was_off_already_moves_no_deadline(keeper: Actor) -> None:
    assert close_on(date(2026, 11, 28), keeper) == services.Change(0, 0)
    assert told == []


def test_a_listener_that_fails_undoes_the_change(keeper: Actor, ctx: Flask) -> None:
    calendars.on_change(ctx, f"{HERE}:broken")
    with pytest.raises(RuntimeError):
        close_on(TYPHOON, keeper)
    assert current().is_working_day(TYPHOON)
    assert audited() == []


def test_what_listeners_moved_is_added_up(keeper: Actor, ctx: Flask) -> None:
    calendars.on_change(ctx, f"{HERE}:fake")
    assert close_on(TYPHOON, keeper).deadlines == 6


def test_every_listener_that_features_register_can_be_loaded(app: Flask) -> None:
    for name in app.extensions.get("calendar_listeners", []):
        assert callable(changes.import_string(name))


# Who may, and what is written down


@pytest.mark.parametrize("role", [Role.HANDLER, Role.HEAD, Role.ETHICS])
def test_those_who_do_not_keep_the_calendar_change_nothing(role: Role) -> None:
    somebody = make_actor(role)
    for act in (
        lambda: close_on(TYPHOON, somebody),
        lambda: take_back(TYPHOON, somebody),
        lambda: take_in(content(), somebody),
    ):
        with pytest.raises(NotFound):
            act()
    assert count() == 0


def test_every_change_is_written_down_without_the_reason_typed(keeper: Actor) -> None:
    close_on(TYPHOON, keeper, name="某人的原因")
    take_back(TYPHOON, keeper)
    take_in(content(), keeper)
    assert audited() == [
        ("calendar.day_entered", "2026-11-26", {"working": False}),
        ("calendar.day_removed", "2026-11-26", {"working": False}),
        ("calendar.imported", "2028", {"changed": 10}),
    ]


def test_a_day_entered_twice_is_told_so_and_keeps_the_first(keeper: Actor) -> None:
    close_on(TYPHOON, keeper)
    with pytest.raises(services.AlreadyEntered):
        close_on(TYPHOON, keeper, is_working=True)
    assert not current().is_working_day(TYPHOON)


def test_a_day_that_nobody_entered_cannot_be_taken_back(keeper: Actor) -> None:
    take_in(content(), keeper)
    with pytest.raises(NotFound):
        take_back(date(2028, 5, 1), keeper)
    assert not current().is_working_day(date(2028, 5, 1))


@pytest.mark.parametrize("day", [date(2016, 11, 26), date(2062, 11, 26), date.min, date.max])
def test_a_day_far_off_is_a_slip_of_the_keyboard(day: date, keeper: Actor) -> None:
    with pytest.raises(services.UnlikelyDay):
        close_on(day, keeper)


@pytest.mark.parametrize("values", [{"name": ""}, {"changed_by": None}, {"source": "fax"}])
def test_the_table_itself_wants_a_reason_and_a_person(values: dict[str, object], keeper: Actor) -> None:
    row = {
        "day": TYPHOON, "source": "manual", "is_working": False, "name": "颱風", "changed_by": keeper.id,
        "changed_at": NOW,
    } | values  # fmt: skip
    written = sa.text(
        "INSERT INTO calendar_days (day, source, is_working, name, changed_by, changed_at) "
        "VALUES (:day, :source, :is_working, :name, :changed_by, :changed_at)"
    ).bindparams(
        sa.bindparam("day", type_=sa.Date()), sa.bindparam("changed_at", type_=sa.DateTime(timezone=True))
    )
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(written, row)


# The operator's line


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


def test_the_next_years_calendar_is_asked_for_from_december_on(keeper: Actor) -> None:
    assert coverage(at("2027-11-30 23:59")).ok
    missing = coverage(at("2027-12-01 00:00"))
    assert not missing.ok
    assert missing.advice
    assert "沒有117年的辦公日曆表" in missing.message
    take_in(content(), keeper)
    assert coverage(at("2027-12-01 00:00")).ok


def test_a_year_that_runs_without_its_calendar_is_named_all_year() -> None:
    assert "沒有117年的" in coverage(at("2028-03-01 09:00")).message
    assert "沒有117年、118年的" in coverage(at("2028-12-31 09:00")).message


# The command line


def run(ctx: Flask, *args: str) -> Result:
    return ctx.test_cli_runner().invoke(args=["calendar", *args])


def test_a_file_is_imported_from_the_command_line(ctx: Flask, tmp_path: Path) -> None:
    (tmp_path / "117.csv").write_bytes(content())
    result = run(ctx, "import", str(tmp_path / "117.csv"))
    assert (result.exit_code, result.output) == (
        0,
        "已匯入117年，10 天有變動，3 件信的期限已重新計算。\n",
    )
    assert told[0][1] is None
    shown = run(ctx, "show", "117").output
    assert "117年2月12日（六） 上班  補行上班" in shown
    assert "117年5月1日（一） 放假  勞動節" in shown
    assert "依人事行政總處的辦公日曆表" in shown


def test_a_bad_file_is_refused_as_a_whole_on_the_command_line(ctx: Flask, tmp_path: Path) -> None:
    rows = lines()
    rows[9], rows[20] = "20280109,六,2,", "壞掉的一行"
    (tmp_path / "bad.csv").write_bytes(content(rows))
    result = run(ctx, "import", str(tmp_path / "bad.csv"))
    assert result.exit_code == 1
    assert "第 10 行：117年1月9日是星期日" in result.output
    assert "第 21 行：" in result.output
    assert "Traceback" not in result.output
    assert count() == 0


def test_a_file_that_cannot_be_read_is_one_clear_line(ctx: Flask, tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        result = run(ctx, "import", str(path))
        assert result.exit_code == 1
        assert "檔案讀不到" in result.output


def test_the_profiles_year_is_listed_with_what_a_person_entered(ctx: Flask, keeper: Actor) -> None:
    close_on(TYPHOON, keeper)
    shown = run(ctx, "show", "115").output
    assert "115年11月26日（四） 放假  颱風停止上班（自訂）" in shown
    assert "115年12月25日（五） 放假  行憲紀念日" in shown
    assert "115年上班 244 天、放假 121 天；依機關設定檔。" in shown
    assert "沒有這一年的辦公日曆表" in run(ctx, "show", "119").output
    assert run(ctx, "show", "2026").exit_code == 2


def test_the_calendar_costs_one_query(keeper: Actor) -> None:
    take_in(content(), keeper)
    with counted() as statements:
        current()
    assert len(statements) == 1
