"""What people type to find an answer, and units to write one."""

from __future__ import annotations

from wtforms import BooleanField, Form, HiddenField, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, Length, ValidationError

from feedback.faq.services import Words
from feedback.staff_forms import choices
from portal.forms import BaseForm, PlainText, clean, long_text
from portal.fulltext import LONGEST_QUERY
from portal.profile import Profile

MAX_QUESTION, MAX_ANSWER = 200, 5000


class FindForm(Form):
    """Words to look for in the published answers; read from the address."""

    q = StringField(
        "找答案",
        description="打一兩個詞，例如「檢驗標識」。",
        filters=[clean],
        validators=[
            Length(max=LONGEST_QUERY, message=f"最多 {LONGEST_QUERY} 個字，請縮短後再找。"),
            PlainText(),
        ],
        render_kw={"type": "search", "autocomplete": "off"},
    )


class FaqForm(BaseForm):
    """An entry as its unit writes it. `publish` says which of the two buttons was pressed."""

    version = HiddenField(default="1", filters=[lambda typed: typed if str(typed).isdecimal() else "0"])
    source = HiddenField()
    question = StringField(
        "問題",
        description="用民眾會問的話寫，例如「怎麼看商品檢驗標識的真偽？」",
        filters=[clean],
        validators=[
            DataRequired("請輸入問題。"),
            Length(max=MAX_QUESTION, message=f"問題最長 {MAX_QUESTION} 個字。"),
            PlainText(),
        ],
    )
    answer = long_text(
        "答案", empty="請輸入答案。", longest=MAX_ANSWER, description="先說結論，再說依據與去哪裡辦。"
    )
    topic = SelectField("主題", filters=[clean], validate_choice=False)
    checked = BooleanField("已確認沒有可以認出民眾或特定業者的內容", description="公開前一定要勾選。")

    def __init__(self, profile: Profile, *, publish: bool = False, **values: object) -> None:
        super().__init__(**values)
        self.publish = publish
        codes = [(topic.code, topic.name) for topic in profile.topics if not topic.restricted]
        self.topic.choices = choices([("", "其他"), *codes])
        self.topic.validators = [AnyOf(["", *(code for code, _ in codes)], "請從清單選擇主題。")]

    def validate_checked(self, field: BooleanField) -> None:
        if self.publish and not field.data:
            raise ValidationError("公開前請再看一次內容，確認後勾選。")

    @property
    def words(self) -> Words:
        source = self.source.data or ""
        return Words(
            self.question.data,
            self.answer.data,
            self.topic.data or None,
            int(source) if source.isdecimal() and len(source) < 10 else None,
        )
