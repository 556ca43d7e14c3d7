"""The forms of citizens: write a letter, follow it, rate its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from wtforms import HiddenField, MultipleFileField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, ValidationError

from feedback.letters import Letter, problems
from feedback.secrets import new_key
from portal import abuse
from portal.clock import utcnow
from portal.files.kinds import ACCEPT
from portal.forms import BaseForm, PlainText, clean, long_text
from portal.profile import Demand, Profile

KEY = re.compile(r"[A-Za-z0-9_-]{32}")
WITHOUT_WORK_SECONDS = 20
"""The wait of a browser that has not done the work that the profile asks for, as one without scripts."""

MAX_COMMENT, MAX_SUPPLEMENT = 1000, 5000
SCORES = {5: "非常滿意", 4: "滿意", 3: "普通", 2: "不滿意", 1: "非常不滿意"}


def own_key(typed: str | None) -> str:
    """The key this form was shown with; a new one when somebody changed it."""
    return typed if typed and KEY.fullmatch(typed) else new_key()


class FilesForm(BaseForm):
    """A form that files may come with. Whoever holds them says in `file_problems` what was not taken."""

    files = MultipleFileField("照片或檔案", render_kw={"accept": ACCEPT, "multiple": True})

    def __init__(self, profile: Profile, **values: Any) -> None:
        super().__init__(**values)
        self.profile = profile
        self.file_problems: list[str] = []
        limit = profile.intake
        size = f"最多 {limit.max_files} 個，每個最大 {limit.max_file_mb} MB"
        self.files.description = f"{size}：照片、PDF、Word、Excel、ODF 或純文字檔。"
        if not limit.max_files:
            del self.files

    def validate_files(self, field: MultipleFileField) -> None:
        if self.file_problems:
            raise ValidationError("".join(self.file_problems))


class LetterForm(FilesForm):
    """A citizen's letter. What it asks for is the profile's; what is wrong is said by `problems`."""

    timed = True
    """Whether a person fills it in who has not signed in, which takes some seconds."""

    submission_key = HiddenField(default=new_key, filters=[own_key])
    opened = HiddenField(default=abuse.stamp)
    proof = HiddenField()
    hint = SelectField(
        "這封信是關於",
        description="協助我們更快轉給負責的單位；不確定可以略過。",
        filters=[clean],
        validate_choice=False,
    )
    subject = StringField("主旨", description="用一句話說明您要說的事。", filters=[clean])
    body = TextAreaField("內容", filters=[clean])
    county = SelectField("案發或服務地點的縣市", filters=[clean], validate_choice=False)
    name = StringField("姓名", filters=[clean], render_kw={"autocomplete": "name"})
    email = StringField(
        "電子郵件",
        description="我們會把收件通知與答復寄到這裡，例如 name@example.com。",
        filters=[clean],
        render_kw={"autocomplete": "email", "type": "email", "inputmode": "email"},
    )
    phone = StringField(
        "電話",
        description="例如 02-1234-5678 轉 123。",
        filters=[clean],
        render_kw={"autocomplete": "tel", "type": "tel"},
    )

    def __init__(self, profile: Profile, **values: Any) -> None:
        super().__init__(profile, **values)
        if not self.timed:
            del self.opened, self.proof
        self.hint.choices = [
            SelectChoice("", "請選擇"),
            *(SelectChoice(topic.code, topic.hint) for topic in profile.topics if topic.hint),
        ]
        self.county.choices = [
            SelectChoice("", "請選擇"),
            *(SelectChoice(county.name, county.name) for county in profile.counties),
        ]
        self.subject.flags.required = self.body.flags.required = True
        self.body.flags.maxlength = profile.intake.max_body
        self._ask(["name"], profile.intake.name)
        self._ask(["county"], profile.intake.county if profile.counties else "off")
        self._ask(["email", "phone"], profile.intake.contact, either=True)

    def _ask(self, names: Sequence[str], demand: Demand, *, either: bool = False) -> None:
        """Show a field, mark it as required, or leave it out. Of `either` one is enough."""
        for name in names:
            if demand == "off":
                del self[name]
            elif demand == "required" and not either:
                self[name].flags.required = True

    @property
    def letter(self) -> Letter:
        """What was typed, cleaned."""
        names = ("subject", "body", "hint", "county", "name", "email", "phone")
        return Letter(**{name: self[name].data or "" for name in names if name in self})

    def validate_opened(self, field: HiddenField) -> None:
        """Too soon for a person. What was typed comes back, and by the next try enough time has passed."""
        if not abuse.is_on():
            return
        opened, least = abuse.opened_at(field.data), self._least_seconds()
        if opened is None:
            field.data = abuse.stamp()
        if opened is None or utcnow() - opened < timedelta(seconds=least):
            raise ValidationError(f"為了擋下自動程式，信還沒有送出。請等 {least} 秒，再按一次「送出」。")

    def _least_seconds(self) -> int:
        rules, key = self.profile.protection, self.submission_key.data
        if abuse.is_worked_out(key, self.proof.data or "", rules.proof_bits):
            return rules.min_seconds
        return max(rules.min_seconds, WITHOUT_WORK_SECONDS)

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        found = problems(self.letter, self.profile)
        for name, message in found.items():
            if name in self:
                self[name].errors = [*self[name].errors, message]
            else:
                self.form_errors.append(message)
        return passed and not found

    def refuse(self, message: str, *, new_letter: bool = False) -> None:
        """Say what is wrong with the form as a whole; `new_letter` makes the next try a letter of its own."""
        self.form_errors.append(message)
        if new_letter:
            self.submission_key.data = new_key()


class TrackForm(BaseForm):
    """A letter's number and secret, as typed. Whether they belong together is not this form's matter."""

    number = StringField(
        "案件編號",
        description="例如 115-000123。",
        filters=[clean],
        validators=[
            DataRequired("請輸入案件編號，例如 115-000123。"),
            Length(max=40, message="案件編號太長了。"),
        ],
        render_kw={"autocomplete": "off"},
    )
    secret = StringField(
        "查詢密碼",
        description="送出來信時畫面上的 12 個英文字母與數字；大小寫、空格都沒有關係。",
        filters=[clean],
        validators=[DataRequired("請輸入查詢密碼。"), Length(max=60, message="查詢密碼太長了。")],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )


class SupplementForm(FilesForm):
    """What a citizen adds to a letter."""

    words = long_text(
        "補充內容",
        description="寫下要補充的事實、號碼或網址；送出後承辦同仁就看得到。",
        empty="請寫下要補充的內容。",
        longest=MAX_SUPPLEMENT,
    )


def _score(value: Any) -> int | None:
    return int(value) if str(value) in {"1", "2", "3", "4", "5"} else None


class RatingForm(BaseForm):
    """How a citizen found the answer."""

    score = RadioField(
        "您對這次答復滿意嗎？",
        choices=[SelectChoice(value, label) for value, label in SCORES.items()],
        coerce=_score,
        validate_choice=False,
        validators=[InputRequired("請選擇滿意程度。"), AnyOf(list(SCORES), "請從清單選擇滿意程度。")],
    )
    comment = TextAreaField(
        "想補充的話",
        description="例如哪裡說得清楚、哪裡還不清楚。請不要寫下個人資料。",
        filters=[clean],
        validators=[
            Length(max=MAX_COMMENT, message=f"最長 {MAX_COMMENT:,} 個字，請縮短後再送出。"),
            PlainText(),
        ],
    )
