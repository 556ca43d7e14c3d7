"""What a profile is made of: units, topics, clocks, forms, texts of one agency."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from limits import parse_many
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from portal.clock import Basis

Code = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Demand = Literal["required", "optional", "off"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UnitSpec(Part):
    """An organisational unit. `kind` is headquarters or branch; `duties` is what it answers for."""

    code: Code
    name: Text
    kind: Literal["headquarters", "branch"]
    duties: str = ""
    email: str = ""
    phone: str = ""
    aliases: tuple[Text, ...] = ()
    sections: tuple[Text, ...] = ()


class County(Part):
    """A county or city and the branch that serves it (`null` means headquarters)."""

    name: Text
    branch: Code | None


class Pointer(Part):
    """The agency's own system for letters about a topic; people are told of it, and taken in all the same."""

    name: Text
    url: Text
    text: Text


class Topic(Part):
    """A service topic: what belongs to it and who answers.

    `branch_handles` sends a letter to the branch of its county. `restricted` hides letters from
    everybody but the owner (for example allegations against staff).
    """

    code: Code
    name: Text
    definition: Text
    owner: Code
    also: tuple[Code, ...] = ()
    branch_handles: bool = False
    restricted: bool = False
    hint: str = ""
    pointer: Pointer | None = None


class Choice(Part):
    code: Code
    name: Text
    description: str = ""


class Voice(Choice):
    """What a writer wants. `petition` is the kind in law (行政程序法 §168), None for what is no petition.

    `confidential` protects who wrote it: contact data are masked, and analytics does not count the person.
    """

    petition: Literal["suggestion", "inquiry", "misconduct", "rights"] | None = None
    confidential: bool = False


class Channel(Choice):
    """A way in. `staff` marks those that staff enter letters of; `oral` ones are written down, read back and
    confirmed (行政程序法 §169); of an `agency` one the other agency and its document number are kept."""

    staff: bool = False
    oral: bool = False
    agency: bool = False


class Deadline(Part):
    """How long an answer may take. `confirmed` is false while the agency has not confirmed it."""

    days: int = Field(ge=1, le=365)
    basis: Basis
    source: Text
    confirmed: bool = False


class Deadlines(Part):
    """Every clock of a letter. The defaults are other agencies' figures; `source` says whose.

    `reply` is the time for an answer, `by_voice` where a kind of letter has another one. `supplement` is the
    citizen's time to send what was asked for, `consultation` a co-handling unit's, `second_reply` the time
    after a low rating. `extension` is the most that one extension may add.
    """

    reply: Deadline
    by_voice: dict[Code, Deadline] = Field(default_factory=dict)
    supplement: Deadline = Deadline(
        days=7, basis="working", source="正字標記檢舉作業程序：檢舉人於 7 個工作日內補正。"
    )
    consultation: Deadline = Deadline(days=3, basis="working", source="待機關確認：會辦單位的回復期限。")
    second_reply: Deadline = Deadline(
        days=3, basis="working", source="教育部部長信箱：3 分以下於 3 個工作日內二次回復。"
    )
    extension: Deadline = Deadline(days=30, basis="calendar", source="待機關確認：每次展延的日數上限。")
    max_extensions: int = Field(default=1, ge=0, le=10)
    remind_before_days: int = Field(default=3, ge=0, le=30)
    escalate_after_days: int = Field(default=3, ge=0, le=30)

    def for_answer(self, voice: str | None) -> Deadline:
        """The time for an answer to a letter of this voice."""
        return self.by_voice.get(voice or "", self.reply)


class ReplyCheck(Part):
    """What a draft answer is looked at for before it leaves; the findings are advice and stop nobody.

    `hollow` are phrases that promise without answering, `jargon` official words with the plain one to write
    instead. Lengths are in characters.
    """

    shortest: int = Field(default=40, ge=1)
    longest_sentence: int = Field(default=80, ge=20)
    hollow: tuple[Text, ...] = ()
    jargon: dict[str, str] = {}


class Answering(Part):
    """How answers leave. With `sign_off` a handler's answer needs the unit head (承辦 → 主管 → 發文).

    A rating of at most `second_reply_up_to` opens the letter again. `close_after_days` after the answer a
    letter that nobody rated low is closed.
    """

    sign_off: bool = True
    second_reply_up_to: int = Field(default=3, ge=0, le=5)
    close_after_days: int = Field(default=14, ge=1, le=365)
    check: ReplyCheck = ReplyCheck()


class Agency(Part):
    """Another agency to which letters are often referred; `email` only when it takes them by mail."""

    name: Text
    duties: str = ""
    email: str = ""


class Intake(Part):
    """What the public form asks for, and how much it takes. `max_files` is per letter; 0 takes none."""

    name: Demand = "optional"
    contact: Demand = "optional"
    county: Demand = "optional"
    max_subject: int = Field(default=200, ge=20, le=500)
    max_body: int = Field(default=5000, ge=200, le=20000)
    max_files: int = Field(default=5, ge=0, le=10)
    max_file_mb: int = Field(default=10, ge=1, le=20)
    advice: tuple[Text, ...] = ()


def _rates(text: str) -> str:
    """A rate as Flask-Limiter reads it: 「10 per minute; 60 per hour」."""
    parse_many(text)
    return text


Rate = Annotated[str, AfterValidator(_rates)]


class Protection(Part):
    """What keeps programs off the public forms. None of it is a puzzle for people.

    `letters`, `answers` and `lookups` are rates for each address: writing a letter or a request, answering a
    survey, looking something up; `programs` is the rate of the API. `min_seconds` is the least time for
    filling in a letter. `proof_bits` (0: off) is the work that a browser does for it; without that work the
    sender waits. With `confirm_email` a letter that gives an e-mail address is taken in when its link there
    was pressed.
    """

    letters: Rate = "10 per minute; 60 per hour"
    answers: Rate = "120 per minute; 2000 per hour"
    lookups: Rate = "60 per minute; 600 per hour"
    programs: Rate = "120 per minute; 3000 per hour"
    min_seconds: int = Field(default=3, ge=0, le=60)
    proof_bits: int = Field(default=0, ge=0, le=20)
    confirm_email: bool = False


class PrivacyNotice(Part):
    """The six items of 個人資料保護法 §8."""

    agency: Text
    purpose: Text
    categories: Text
    use: Text
    rights: Text
    refusal: Text


class Role(Part):
    code: Literal["handler", "head", "secretariat", "ethics", "admin"]
    name: Text


class Satisfaction(Part):
    """The service lines people are asked about, and what is shown with care because n is small."""

    slug: Code
    title: Text
    service_lines: tuple[Choice, ...] = Field(min_length=1)
    identities: tuple[Choice, ...] = Field(min_length=1)
    channels: tuple[Choice, ...] = Field(min_length=1)
    hide_below: int = Field(default=5, ge=1)
    flag_below: int = Field(default=30, ge=1)


class Calendar(Part):
    """Office calendar; `years` are the Gregorian years whose table is complete."""

    years: tuple[int, ...]
    holidays: dict[dt.date, str]
    makeup_workdays: tuple[dt.date, ...] = ()


class TopicRule(Part):
    """A letter that holds the phrase is about the topic, whatever the classifier thinks."""

    phrase: Text
    topic: Code


class Analysis(Part):
    """Text resources of the classifier, as folders and files under `analytics/data/`.

    `frozen` holds letters that no model is trained on, to compare models by; `second_pass` what another
    reader said of letters of the corpus. `retrain_after` is the number
    of newly confirmed topics from which the job trains anew.
    """

    corpus: str = ""
    frozen: str = ""
    comments: str = ""
    second_pass: str = ""
    terms: str = ""
    demo: str = ""
    urgent_phrases: tuple[Text, ...] = ()
    interpretation_phrases: tuple[Text, ...] = ()
    rules: tuple[TopicRule, ...] = ()
    retrain_after: int = Field(default=50, ge=1)
