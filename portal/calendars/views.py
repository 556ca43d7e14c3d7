"""The office calendar for staff: a year at a glance, and for those who keep it what they may change."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import Permission, requires
from portal.calendars import services
from portal.calendars.forms import OPEN, DayForm, RemoveForm, TableForm
from portal.calendars.official import MAX_BYTES, YEARS, BadTable, read_table
from portal.calendars.page import WEEKDAYS, year_of
from portal.calendars.queries import days_of, office_calendar
from portal.clock import ROC_OFFSET, local_date, roc_date, utcnow
from portal.db import db
from portal.errors import BadInput, Conflict
from portal.forms import BaseForm
from portal.profile import Profile

office_days = Blueprint("office_calendar", __name__, url_prefix="/staff/calendar")


@office_days.get("/")
@requires(Permission.STAFF)
def show() -> ResponseReturnValue:
    return _page(_chosen_year())


@office_days.post("/days")
@requires(Permission.CALENDAR)
def enter() -> ResponseReturnValue:
    form = DayForm()
    if not form.validate_on_submit():
        return _page(_chosen_year(), 422, day_form=form)
    day, is_working = form.day.data, form.state.data == OPEN
    try:
        change = services.enter_day(
            day, is_working=is_working, name=form.name.data, by=g.user, profile=_profile(), now=utcnow()
        )
    except (BadInput, Conflict) as fault:
        form.day.errors = [fault.message]
        return _page(_chosen_year(), fault.status, day_form=form)
    flash(f"已加入{roc_date(day)}{'照常上班' if is_working else '停止上班'}。{_moved(change)}", "success")
    return redirect(url_for(".show", year=day.year - ROC_OFFSET), 303)


@office_days.post("/days/remove")
@requires(Permission.CALENDAR)
def remove() -> ResponseReturnValue:
    form = RemoveForm()
    if not form.validate_on_submit():
        abort(400)
    day = form.day.data
    change = services.remove_day(day, by=g.user, profile=_profile(), now=utcnow())
    flash(f"已移除{roc_date(day)}的自訂。{_moved(change)}", "success")
    return redirect(url_for(".show", year=day.year - ROC_OFFSET), 303)


@office_days.post("/table")
@requires(Permission.CALENDAR)
def import_table() -> ResponseReturnValue:
    form = TableForm()
    if not form.validate_on_submit():
        return _page(_chosen_year(), 422, table_form=form)
    try:
        table = read_table(form.file.data.read(MAX_BYTES + 1))
    except BadTable as fault:
        form.file.errors = fault.faults
        return _page(_chosen_year(), 422, table_form=form)
    change = services.import_table(table, by=g.user, profile=_profile(), now=utcnow())
    years = "、".join(f"{year - ROC_OFFSET}年" for year in table.years)
    flash(f"已匯入{years}的辦公日曆表，{change.days} 天有變動。{_moved(change)}", "success")
    return redirect(url_for(".show", year=table.years[0] - ROC_OFFSET), 303)


def _profile() -> Profile:
    loaded: Profile = current_app.extensions["profile"]
    return loaded


def _moved(change: services.Change) -> str:
    return f"{change.deadlines} 件信的期限已重新計算。" if change.deadlines else ""


def _chosen_year() -> int:
    """The Gregorian year of the address, which names it in ROC years; otherwise this year."""
    chosen = (request.args.get("year", 0, int) or 0) + ROC_OFFSET
    return chosen if chosen in YEARS else local_date(utcnow()).year


def _page(
    number: int, status: int = 200, *, day_form: BaseForm | None = None, table_form: BaseForm | None = None
) -> ResponseReturnValue:
    session, profile = db.session(), _profile()
    rows = days_of(session, number)
    page = render_template(
        "calendar.html",
        year=year_of(number, office_calendar(session, profile), profile, rows),
        weekdays=WEEKDAYS[-1] + WEEKDAYS[:-1],
        form=day_form or table_form,
        day_form=day_form or DayForm(formdata=None),
        table_form=table_form or TableForm(formdata=None),
        keeps=g.user.may(Permission.CALENDAR),
    )
    return page, status
