"""The forms of what staff do to one letter, one for each act."""

from __future__ import annotations

from typing import Any

from wtforms import (
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from feedback.models import Case, Method
from feedback.models.answering import METHOD_LABELS
from feedback.services.leaving import FIELDS
from feedback.staff_forms import choices
from feedback.states import GROUND_LABELS, PETITION_LABELS
from portal.accounts.models import User
from portal.forms import BaseForm, PlainText, clean, long_text
from portal.profile import Profile
from portal.units import Unit

MAX_REASON, MAX_REPLY, MAX_NOTE = 500, 10000, 1000
YES, NO = "yes", "no"
NOT_OURS = "請選擇本單位的同仁。"
NO_CHOICE = "請從清單選擇主題。"
NO_UNIT = "請選擇單位。"
OTHER_AGENCY = "other"


class TopicForm(BaseForm):
    topic = SelectField("主題", validators=[DataRequired(NO_CHOICE)], invalid_choice_message=NO_CHOICE)

    def offer(self, profile: Profile, chosen: str | None) -> TopicForm:
        """Every topic, with the likely one chosen; a person who must judge is not nudged."""
        topics = [(topic.code, topic.name) for topic in profile.topics]
        self.topic.choices = choices([("", "請選擇主題"), *topics])
        if self.topic.raw_data is None and profile.topic(chosen):
            self.topic.data = chosen
        return self


class VoiceForm(BaseForm):
    """What the writer wants, and the kind in law when it is not the usual one."""

    voice = SelectField(
        "性質",
        validators=[DataRequired("請選擇來信的性質。")],
        invalid_choice_message="請從清單選擇來信的性質。",
    )
    petition = SelectField(
        "陳情種類（行政程序法第168條）",
        choices=choices(
            [("", "依性質自動判定"), *((kind.value, name) for kind, name in PETITION_LABELS.items())]
        ),
        invalid_choice_message="請從清單選擇陳情種類。",
    )

    def offer(self, profile: Profile, case: Case) -> VoiceForm:
        self.voice.choices = choices(
            [("", "請選擇"), *((voice.code, voice.name) for voice in profile.voices)]
        )
        if self.voice.raw_data is None:
            guessed = profile.voice_called(case.suggestion.voice) if case.suggestion else None
            self.voice.data = case.voice or (guessed.code if guessed else "")
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


class UnitForm(BaseForm):
    """Any form that asks for another unit."""

    unit = SelectField("單位", validators=[DataRequired(NO_UNIT)], invalid_choice_message=NO_UNIT)

    def offer(self, units: list[Unit], owner_id: int) -> Any:
        others = [(str(unit.id), unit.name) for unit in units if unit.id != owner_id]
        self.unit.choices = choices([("", "請選擇單位"), *others])
        return self


class TransferForm(UnitForm):
    reason = long_text(
        "原因",
        description="寫給接手的同仁看，例如：來信問的是申請進度，由貴單位承辦。",
        empty="請寫下移轉的原因，讓接手的同仁知道為什麼。",
        longest=MAX_REASON,
    )


class ReasonForm(BaseForm):
    """Refusing a transfer, sending a draft back, opening an identity: why."""

    reason = long_text("原因", empty="請寫下原因。", longest=MAX_REASON)


class CommentForm(BaseForm):
    """Signing off, with a word to the author or without."""

    comment = TextAreaField(
        "給承辦人的話",
        filters=[clean],
        validators=[Length(max=MAX_NOTE, message=f"最長 {MAX_NOTE:,} 個字。"), PlainText()],
    )


class ConsultForm(UnitForm):
    question = long_text(
        "要請對方表示意見的事",
        description="例如：請提供該批商品的檢驗紀錄，並說明能否公開。",
        empty="請寫下要請對方表示什麼意見。",
        longest=MAX_NOTE,
    )
    shown = TextAreaField(
        "給對方看的去識別內容",
        description="對方看不到原信，只看得到這裡的文字。請刪去姓名、職稱、日期、地點等會讓人認出檢舉人的內容。",
        filters=[clean],
        validators=[Length(max=MAX_REPLY, message=f"最長 {MAX_REPLY:,} 個字。"), PlainText()],
    )


class OpinionForm(BaseForm):
    opinion = long_text(
        "貴單位的意見",
        description="寫給主辦單位看，會併入一封答復；不會直接寄給來信人。",
        empty="請寫下貴單位的意見。",
        longest=MAX_REPLY,
    )


class AskForm(BaseForm):
    question = long_text(
        "請來信人補充什麼",
        description="一次問清楚，說明為什麼需要，例如：請提供商品檢驗標識上的字軌與號碼，才能查證是否經過檢驗。",
        empty="請寫下需要來信人補充的資料。",
        longest=MAX_NOTE * 2,
    )


class InterimForm(BaseForm):
    body = long_text(
        "初步回復",
        description="告訴來信人目前查到哪裡、接下來做什麼、大約何時有結果。",
        empty="請寫下目前的處理情形。",
        longest=MAX_REPLY,
    )


class ExtendForm(BaseForm):
    days = IntegerField("展延日數", render_kw={"inputmode": "numeric"})
    reason = long_text(
        "展延理由",
        description="會寄給來信人，例如：需要送實驗室測試，測試需時三週。",
        empty="請寫下展延的理由；理由會以書面告知來信人。",
        longest=MAX_NOTE,
    )

    def offer(self, profile: Profile) -> ExtendForm:
        longest = profile.deadlines.extension
        unit = "個工作日" if longest.basis == "working" else "天"
        self.days.description = f"從原期限起算，最多 {longest.days} {unit}。"
        wrong = f"展延日數要在 1 到 {longest.days} 之間。"
        self.days.validators = [InputRequired(wrong), NumberRange(1, longest.days, wrong)]
        return self


class ReplyForm(BaseForm):
    """An answer, to be kept, handed in or sent; `version` is the draft that the writer began from."""

    body = long_text(
        "答復內容",
        description="先說結論，再說原因和下一步；用民眾看得懂的話，法規寫出名稱與條號，並留下聯絡窗口。發文後不能再修改。",
        empty="請輸入答復內容，例如：您反映的問題已經查證，我們會在本週內改善，並再通知您結果。",
        longest=MAX_REPLY,
    )
    method = SelectField(
        "答復方式",
        choices=choices((method.value, label) for method, label in METHOD_LABELS.items()),
        default=Method.WRITTEN.value,
        invalid_choice_message="請從清單選擇答復方式。",
    )
    version = HiddenField(
        filters=[lambda text: int(text) if str(text).isdecimal() and len(str(text)) < 9 else None]
    )


class DeclineForm(BaseForm):
    ground = RadioField(
        "依行政程序法第173條",
        choices=choices((ground.value, label) for ground, label in GROUND_LABELS.items()),
        validators=[InputRequired("請選擇不予處理的法定原因。")],
        invalid_choice_message="請從清單選擇不予處理的法定原因。",
        validate_choice=True,
    )
    notice = long_text(
        "給來信人的通知",
        description="說明不予處理的原因與依據；如果前次已經答復，寫出答復日期與案件編號。",
        empty="請寫下給來信人的通知。",
        longest=MAX_NOTE * 2,
    )


class ReferForm(BaseForm):
    agency = SelectField(
        "主管機關",
        validators=[DataRequired("請選擇主管機關。")],
        invalid_choice_message="請從清單選擇主管機關。",
    )
    other = StringField(
        "其他機關名稱", filters=[clean], validators=[Length(max=80, message="最長 80 個字。"), PlainText()]
    )
    reason = long_text("移轉原因", empty="請寫下為什麼屬該機關權責。", longest=MAX_NOTE)
    fields = SelectMultipleField(
        "隨信移轉的個人資料",
        description="只勾該機關辦理所需要的；信的主旨與內容一定會移轉。",
        choices=choices(FIELDS.items()),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        invalid_choice_message="請從清單選擇要一併移轉的資料。",
    )
    notice = long_text(
        "給來信人的通知",
        description="說明信已移轉給哪個機關、為什麼、可以向誰詢問。",
        empty="請寫下給來信人的通知。",
        longest=MAX_NOTE * 2,
    )

    def offer(self, profile: Profile) -> ReferForm:
        names = [(agency.name, f"{agency.name}（{agency.duties}）") for agency in profile.agencies]
        self.agency.choices = choices([("", "請選擇"), *names, (OTHER_AGENCY, "其他機關（請填名稱）")])
        return self

    def validate_other(self, field: StringField) -> None:
        if self.agency.data == OTHER_AGENCY and not field.data:
            raise ValidationError("請填機關名稱。")

    @property
    def agency_name(self) -> str:
        return str(self.other.data if self.agency.data == OTHER_AGENCY else self.agency.data)

    def email_of(self, profile: Profile) -> str:
        """The address of a known agency; others get paper."""
        return next((item.email for item in profile.agencies if item.name == self.agency_name), "")


class MergeForm(BaseForm):
    into = SelectField(
        "併入哪一封",
        coerce=int,
        invalid_value_message="請選擇要併入的信。",
        invalid_choice_message="請從清單選擇要併入的信。",
    )

    def offer(self, cases: list[tuple[int, str]]) -> MergeForm:
        self.into.choices = choices(cases)
        return self


class ActForm(BaseForm):
    """An act without fields."""


class RevealForm(BaseForm):
    """Looking at who wrote; of a protected writer a reason is needed, which the service says."""

    reason = TextAreaField(
        "開啟身分的原因",
        description="例如：需要聯絡檢舉人確認陳列地點。會記下您的姓名、時間與原因。",
        filters=[clean],
        validators=[Length(max=MAX_REASON, message=f"最長 {MAX_REASON} 個字。"), PlainText()],
    )
