"""The filters of the page of events."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from wtforms import Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from portal.audit.queries import NOBODY, Filters
from portal.audit.words import ACTIONS
from portal.audit.words import NOBODY as NOBODY_NAMED
from portal.clock import ROC_OFFSET
from portal.forms import clean

DAY = re.compile(r"(\d{2,3})-(\d{1,2})-(\d{1,2})", re.ASCII)
NOT_A_DAY = "日期請寫成民國年-月-日，例如 115-11-23；這次先不依日期篩選。"


def tidy(text: str | None) -> str:
    """A number as it is kept, however it was typed: half width, no space around it, no NUL."""
    return unicodedata.normalize("NFKC", clean(text)).replace("\0", "")


class EventsForm(Form):
    """Which events are shown, read from the address. A value that is not offered counts as not given."""

    object = StringField(
        "案件編號或其他代號", filters=[tidy], render_kw={"placeholder": "例如 115-000123", "maxlength": 64}
    )
    action = SelectField("做了什麼", validate_choice=False)
    person = SelectField("誰", validate_choice=False)
    day = StringField("日期", filters=[tidy], render_kw={"placeholder": "例如 115-11-23"})

    def prepare(self, people: list[tuple[int, str]]) -> EventsForm:
        """Offer the choices and drop what is not among them."""
        acts = sorted(ACTIONS.items(), key=lambda pair: pair[0])
        persons = [(NOBODY, NOBODY_NAMED), *people]
        self.action.choices = [SelectChoice("", "全部"), *(SelectChoice(code, name) for code, name in acts)]
        self.person.choices = [
            SelectChoice("", "全部"),
            *(SelectChoice(str(number), name) for number, name in persons),
        ]
        for field in (self.action, self.person):
            if field.data not in {choice.value for choice in field.choices}:
                field.data = ""
        if self.day.data and self._day() is None:
            self.day.errors = [NOT_A_DAY]
        return self

    def filters(self) -> Filters:
        return Filters(
            object_id=self.object.data or "",
            action=self.action.data,
            actor_id=int(self.person.data) if self.person.data else None,
            day=self._day(),
        )

    def _day(self) -> date | None:
        found = DAY.fullmatch(self.day.data or "")
        try:
            return date(int(found[1]) + ROC_OFFSET, int(found[2]), int(found[3])) if found else None
        except ValueError:
            return None

    def as_args(self) -> dict[str, str]:
        """The filters as an address says them, empty ones left out."""
        return {name: field.data for name, field in self._fields.items() if field.data}
