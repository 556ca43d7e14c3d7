"""What an operator is told about the calendar: that the table of this or the next year is absent."""

from __future__ import annotations

from datetime import datetime

from flask import current_app

from portal.calendars.queries import known_years
from portal.clock import ROC_OFFSET, local_date
from portal.db import db
from portal.health import Check

WARN_FROM_MONTH = 12


def coverage(now: datetime) -> Check:
    """This year's table must be there, and from December on the next year's, for deadlines reach into it."""
    today = local_date(now)
    wanted = [today.year, today.year + 1] if today.month >= WARN_FROM_MONTH else [today.year]
    known = known_years(db.session(), current_app.extensions["profile"])
    absent = "、".join(f"{year - ROC_OFFSET}年" for year in wanted if year not in known)
    if not absent:
        return Check("calendar", True, "辦公日曆表齊全。", advice=True)
    missing = f"沒有{absent}的辦公日曆表，期限只避開週六、週日；請執行 flask calendar import 匯入。"
    return Check("calendar", False, missing, advice=True)
