"""Forms of the calendar page."""

from __future__ import annotations

from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from portal.calendars.models import MAX_NAME
from portal.forms import BaseForm, PlainText, clean

CLOSED, OPEN = "closed", "open"
NO_STATE = "請選擇這一天停止上班或照常上班。"


class DayForm(BaseForm):
    """A day that is unlike the official table, for the whole agency."""

    day = DateField("日期", validators=[InputRequired("請選擇日期。")])
    state = RadioField(
        "這一天",
        choices=[SelectChoice(CLOSED, "停止上班"), SelectChoice(OPEN, "照常上班")],
        default=CLOSED,
        validators=[InputRequired(NO_STATE)],
        invalid_choice_message=NO_STATE,
    )
    name = StringField(
        "原因",
        description="同仁都看得到，例如：颱風停止上班。",
        filters=[clean],
        validators=[
            DataRequired("請寫原因，例如：颱風停止上班。"),
            Length(max=MAX_NAME, message=f"原因最長 {MAX_NAME} 個字，請縮短後再送出。"),
            PlainText(),
        ],
    )


class RemoveForm(BaseForm):
    """Which entered day to take back; the page writes it as a hidden field."""

    day = DateField("日期", validators=[InputRequired("請選擇日期。")])


class TableForm(BaseForm):
    file = FileField(
        "辦公日曆表的 CSV 檔",
        description="行政院人事行政總處公布的「政府行政機關辦公日曆表」，整年一個檔案；匯入過的年度可以再匯入修正版。",
        validators=[FileRequired("請選擇要匯入的 CSV 檔。")],
        render_kw={"accept": ".csv,text/csv"},
    )
