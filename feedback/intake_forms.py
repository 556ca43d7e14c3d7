"""The form with which staff enter a letter for a citizen."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from feedback.forms import LetterForm
from feedback.letters import Letter
from feedback.secrets import tidy_number
from feedback.services.entering import Facts
from feedback.services.importing import FIRST_YEAR, read_day
from feedback.staff_forms import choices
from portal.clock import ROC_OFFSET, TAIPEI, local_date
from portal.forms import PlainText, clean, has_control
from portal.profile import Profile

LANGUAGES = {"zh": "中文", "en": "英文", "other": "其他語言"}
READ_BACK = "臨櫃、電話等口述的陳情，請向來信人朗讀內容，確認無誤後勾選（行政程序法第169條），才能登錄。"
ONLY_AGENCY = "只有其他機關移來的案件才填；請清空，或更正來信管道。"
MAX_DRAFT = 50_000
NOT_TYPED = frozenset({"csrf_token", "website", "submission_key", "files"})


class EntryForm(LetterForm):
    """The citizen's form and what the office must know of the channel. A draft may be saved at any moment."""

    timed = False

    channel = SelectField("來信管道", filters=[clean], validate_choice=False)
    received = StringField(
        "收件日期",
        description="期限從這一天起算。例如 115/11/23；信件、傳真與移文請填實際收到的日期。",
        filters=[clean],
        validators=[DataRequired("請輸入收件日期，例如 115/11/23。")],
        render_kw={"autocomplete": "off"},
    )
    language = SelectField("使用的語言", choices=choices(LANGUAGES.items()), default="zh", filters=[clean])
    agency = StringField(
        "移文機關",
        filters=[clean],
        validators=[Length(max=120, message="機關名稱最長 120 個字。"), PlainText()],
    )
    agency_number = StringField(
        "移文文號",
        description="例如 院臺經字第1150001234號。",
        filters=[clean],
        validators=[Length(max=80, message="文號最長 80 個字。"), PlainText()],
    )
    earlier = StringField(
        "先前案件的編號",
        description="同一件事先前來過信時填寫，例如 115-000123；承辦人可以看到那封信與答復日期。",
        filters=[clean],
        render_kw={"autocomplete": "off"},
    )
    read_back = BooleanField("已向來信人朗讀內容並確認無誤", description=READ_BACK)
    keep = BooleanField(
        "留在本單位辦理",
        description="不勾選時，和網路來信一樣先由收件單位分文。限閱的主題一律直接送負責單位。",
    )

    def __init__(self, profile: Profile, *, now: datetime, **values: Any) -> None:
        super().__init__(profile, **values)
        self.now = now
        by_hand = [(item.code, item.name) for item in profile.channels if item.staff]
        self.channel.choices = choices([("", "請選擇"), *by_hand])
        self.channel.flags.required = self.received.flags.required = True
        if self.received.raw_data is None and not self.received.data:
            self.received.data = _written(local_date(now))

    @property
    def letter(self) -> Letter:
        names = ("subject", "body", "hint", "county", "name", "email", "phone")
        values = {name: self[name].data or "" for name in names if name in self}
        by_hand = [item.code for item in self.profile.channels if item.staff]
        # A wrong channel is told by its own field; the rest is judged all the same.
        chosen = self.channel.data if self.channel.data in by_hand else next(iter(by_hand), "")
        return Letter(channel=chosen, **values)

    def facts(self, draft_id: int | None) -> Facts:
        """What goes beside the letter; only after `validate`."""
        names = ("read_back", "language", "agency", "agency_number", "earlier", "keep")
        received_at = self._received_at() or self.now
        return Facts(received_at=received_at, draft_id=draft_id, **{name: self[name].data for name in names})

    @property
    def typed(self) -> dict[str, Any]:
        """The fields as a draft keeps them."""
        return {field.name: field.data for field in self if field.name not in NOT_TYPED and field.data}

    def may_be_kept(self) -> bool:
        """Whether what was typed can be saved as a draft: anything goes but what no keyboard types."""
        texts = [value for value in self.typed.values() if isinstance(value, str)]
        if any(has_control(text) for text in texts):
            self.form_errors.append("內容含有看不見的控制字元，請刪除後再存草稿。")
        elif sum(map(len, texts)) > MAX_DRAFT:
            self.form_errors.append(f"草稿最長 {MAX_DRAFT:,} 個字，請縮短後再存。")
        return not self.form_errors

    def validate_channel(self, field: SelectField) -> None:
        channel = self.profile.channel(field.data)
        if channel is None or not channel.staff:
            raise ValidationError("請從清單選擇來信管道。")

    def validate_received(self, field: StringField) -> None:
        day = read_day(field.data)
        if day is None or day.year < FIRST_YEAR:
            raise ValidationError("日期看不懂，請寫成 115/11/23 或 2026-11-23。")
        if day > local_date(self.now):
            raise ValidationError("收件日期在今天之後，請檢查年月日。")

    def validate_read_back(self, field: BooleanField) -> None:
        channel = self.profile.channel(self.channel.data)
        if channel and channel.oral and not field.data:
            raise ValidationError("請向來信人朗讀內容，確認無誤後勾選。")

    def validate_agency(self, field: StringField) -> None:
        channel = self.profile.channel(self.channel.data)
        if channel and channel.agency and not field.data:
            raise ValidationError("請輸入移文的機關名稱。")
        if channel and not channel.agency and field.data:
            raise ValidationError(ONLY_AGENCY)

    def validate_agency_number(self, field: StringField) -> None:
        channel = self.profile.channel(self.channel.data)
        if channel and channel.agency and not field.data:
            raise ValidationError("請輸入移文的文號；沒有文號時寫「無」。")
        if channel and not channel.agency and field.data:
            raise ValidationError(ONLY_AGENCY)

    def validate_earlier(self, field: StringField) -> None:
        if field.data and not tidy_number(field.data):
            raise ValidationError("案件編號的格式不對，例如 115-000123。")

    def _received_at(self) -> datetime | None:
        """Now for today; noon of an earlier day, as nobody wrote down the hour."""
        day = read_day(self.received.data or "")
        if day is None or day == local_date(self.now):
            return None
        return datetime.combine(day, time(12), TAIPEI)


def _written(day: date) -> str:
    return f"{day.year - ROC_OFFSET}/{day.month}/{day.day}"
