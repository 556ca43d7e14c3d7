"""The inbox's filters."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import BooleanField, Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from feedback.queries import Filters
from portal.access import Actor
from portal.clock import Period
from portal.forms import clean
from portal.profile import Profile
from portal.units import Unit

STATES = {
    "open": "待辦",
    "overdue": "逾期",
    "unconfirmed": "待確認主題",
    "asked": "待補陳",
    "review": "核判中",
    "approved": "待發文",
    "answered": "已答復",
    "closed": "已結案",
    "left": "移轉、併案、撤回、不予處理",
    "all": "全部",
}
MOMENTS = {"received": "收到", "answered": "答復", "closed": "結案", "rated": "評分"}
NO_TOPIC = "none"


def choices(pairs: Iterable[tuple[object, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


class InboxForm(Form):
    """What the inbox shows, read from the address. A value that is not offered counts as not given."""

    state = SelectField("狀態", choices=choices(STATES.items()), default="open", validate_choice=False)
    topic = SelectField("主題", validate_choice=False)
    unit = SelectField("單位", validate_choice=False)
    channel = SelectField("管道", validate_choice=False)
    period = StringField(
        "月份", filters=[clean], render_kw={"placeholder": "例如 115-11", "inputmode": "numeric"}
    )
    moment = SelectField(
        "月份看的是", choices=choices(MOMENTS.items()), default="received", validate_choice=False
    )
    mine = BooleanField("只看我承辦的")
    urgent = BooleanField("只看緊急")

    def prepare(self, profile: Profile, units: list[Unit]) -> InboxForm:
        """Offer the choices and drop what is not among them. Without units there is no unit filter."""
        topics = [(topic.code, topic.name) for topic in profile.topics]
        self.topic.choices = choices([("", "全部"), (NO_TOPIC, "未分類"), *topics])
        self.unit.choices = choices([("", "全部"), *((str(unit.id), unit.name) for unit in units)])
        self.channel.choices = choices([("", "全部"), *((item.code, item.name) for item in profile.channels)])
        for field in (self.state, self.topic, self.unit, self.channel, self.moment):
            if field.data not in {choice.value for choice in field.choices}:
                field.data = field.default or ""
        if self.period.data and self._period() is None:
            self.period.errors = ["月份請寫成民國年-月，例如 115-11；這次先不依月份篩選。"]
        return self

    def filters(self, actor: Actor) -> Filters:
        return Filters(
            state=self.state.data,
            topic=self.topic.data or None,
            unit_id=int(self.unit.data) if self.unit.data else None,
            handler_id=actor.id if self.mine.data else None,
            period=self._period(),
            moment=self.moment.data,
            urgent=self.urgent.data,
            channel=self.channel.data or None,
        )

    def _period(self) -> Period | None:
        try:
            return Period.parse(self.period.data or "")
        except ValueError:
            return None

    def as_args(self) -> dict[str, str]:
        """The filters as an address says them, defaults left out."""
        period = self._period()
        given = {name: field.data for name, field in self._fields.items() if field.data != field.default}
        given["period"] = str(period) if period else ""
        if period is None:
            given.pop("moment", None)
        return {name: "1" if value is True else value for name, value in given.items() if value}

    @property
    def narrowed(self) -> bool:
        """Whether anything but the state is chosen, so that the page shows the filters open."""
        return bool(self.as_args().keys() - {"state"}) or bool(self.period.errors)
