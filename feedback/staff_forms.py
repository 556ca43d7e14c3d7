"""Forms of the staff's side: the inbox's filters and what is done to one letter."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import BooleanField, Form, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from feedback.queries import Filters
from portal.access import Actor
from portal.accounts.models import User
from portal.clock import Period
from portal.forms import BaseForm, clean, long_text
from portal.profile import Profile
from portal.units import Unit

MAX_REASON, MAX_REPLY = 500, 10000

STATES = {
    "open": "待辦",
    "overdue": "逾期",
    "unconfirmed": "待確認主題",
    "answered": "已答復",
    "closed": "已結案",
    "all": "全部",
}
MOMENTS = {"received": "收到", "answered": "答復", "closed": "結案", "rated": "評分"}
NO_TOPIC = "none"
YES, NO = "yes", "no"
NOT_OURS = "請選擇本單位的同仁。"
NO_CHOICE = "請從清單選擇主題。"
NO_UNIT = "請選擇要移給哪個單位。"


def choices(pairs: Iterable[tuple[object, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


class InboxForm(Form):
    """What the inbox shows, read from the address. A value that is not offered counts as not given."""

    state = SelectField("狀態", choices=choices(STATES.items()), default="open", validate_choice=False)
    topic = SelectField("主題", validate_choice=False)
    unit = SelectField("單位", validate_choice=False)
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
        for field in (self.state, self.topic, self.unit, self.moment):
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


class TopicForm(BaseForm):
    topic = SelectField("主題", validators=[DataRequired(NO_CHOICE)], invalid_choice_message=NO_CHOICE)

    def offer(self, profile: Profile, chosen: str | None) -> TopicForm:
        """Every topic, with the likely one chosen; a person who must judge is not nudged."""
        topics = [(topic.code, topic.name) for topic in profile.topics]
        self.topic.choices = choices([("", "請選擇主題"), *topics])
        if self.topic.raw_data is None and profile.topic(chosen):
            self.topic.data = chosen
        return self


class UrgencyForm(BaseForm):
    """Which of two buttons was pressed: whether a letter is urgent."""

    urgent = RadioField("是否緊急", choices=choices([(YES, "是緊急"), (NO, "不是緊急")]))


class AssignForm(BaseForm):
    handler = SelectField(
        "承辦人", coerce=int, invalid_value_message=NOT_OURS, invalid_choice_message=NOT_OURS
    )

    def offer(self, people: list[User], current: int | None) -> AssignForm:
        self.handler.choices = choices((user.id, user.name) for user in people)
        if self.handler.raw_data is None:
            self.handler.data = current
        return self


class TransferForm(BaseForm):
    unit = SelectField("移給哪個單位", validators=[DataRequired(NO_UNIT)], invalid_choice_message=NO_UNIT)
    reason = long_text(
        "原因",
        description="寫給接手的同仁看，例如：來信問的是申請進度，由貴單位承辦。",
        empty="請寫下移轉的原因，讓接手的同仁知道為什麼。",
        longest=MAX_REASON,
    )

    def offer(self, units: list[Unit], owner_id: int) -> TransferForm:
        others = [(str(unit.id), unit.name) for unit in units if unit.id != owner_id]
        self.unit.choices = choices([("", "請選擇單位"), *others])
        return self


class ReplyForm(BaseForm):
    body = long_text(
        "答復內容",
        description="先說結論，再說原因和下一步；用民眾看得懂的話，法規寫出名稱與條號，並留下聯絡窗口。送出後不能再修改。",
        empty="請輸入答復內容，例如：您反映的問題已經查證，我們會在本週內改善，並再通知您結果。",
        longest=MAX_REPLY,
    )


class ActForm(BaseForm):
    """An act without fields: closing a letter, looking at contact data."""
