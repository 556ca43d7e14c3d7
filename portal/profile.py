"""The agency as data: who it is, its units, topics, services, channels, clocks and calendar.

A profile is one YAML file. It is checked when it is loaded; every mistake is named by file and key,
and nothing about one agency stands anywhere in code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails
from yaml.constructor import ConstructorError

from portal.clock import Basis, OfficeCalendar

PROFILES = Path(__file__).parent / "profiles"

Code = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Demand = Literal["required", "optional", "off"]


class ProfileError(ValueError):
    """The profile cannot be used; the message names the file and each wrong key."""


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


class Choice(Part):
    code: Code
    name: Text
    description: str = ""


class Deadline(Part):
    """How long an answer may take. `confirmed` is false while the agency has not confirmed it."""

    days: int = Field(ge=1, le=365)
    basis: Basis
    source: Text
    confirmed: bool = False


class Deadlines(Part):
    reply: Deadline
    remind_before_days: int = Field(default=3, ge=0, le=30)


class Intake(Part):
    """What the public form asks for, and how much it takes."""

    name: Demand = "optional"
    contact: Demand = "optional"
    county: Demand = "optional"
    max_subject: int = Field(default=200, ge=20, le=500)
    max_body: int = Field(default=5000, ge=200, le=20000)
    advice: tuple[Text, ...] = ()


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
    rules: tuple[TopicRule, ...] = ()
    retrain_after: int = Field(default=50, ge=1)


class Profile(Part):
    """Everything the platform knows about one agency."""

    code: Code
    name: Text
    short_name: Text
    mailbox_name: Text
    address: Text
    phone: Text
    service_hours: str = ""
    website: str = ""
    default_owner: Code
    unknown_county: Literal["default_owner", "topic_owner"] = "default_owner"
    units: tuple[UnitSpec, ...] = Field(min_length=1)
    counties: tuple[County, ...] = ()
    topics: tuple[Topic, ...] = Field(min_length=1)
    channels: tuple[Choice, ...] = Field(min_length=1)
    voices: tuple[Choice, ...] = ()
    roles: tuple[Role, ...]
    deadlines: Deadlines
    intake: Intake = Intake()
    privacy: PrivacyNotice
    satisfaction: Satisfaction
    calendar: Calendar
    analysis: Analysis = Analysis()
    unconfirmed: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        units = _unique("units", [unit.code for unit in self.units])
        topics = _unique("topics", [topic.code for topic in self.topics])
        _unique("counties", [county.name for county in self.counties])
        _unique("channels", [channel.code for channel in self.channels])
        branches = {unit.code for unit in self.units if unit.kind == "branch"}
        _known("default_owner", self.default_owner, units)
        for index, topic in enumerate(self.topics):
            _known(f"topics[{index}].owner（{topic.code}）", topic.owner, units)
            for other in topic.also:
                _known(f"topics[{index}].also（{topic.code}）", other, units)
            if topic.restricted:
                _kept_close(f"topics[{index}].restricted（{topic.code}）", topic, self.roles)
        for index, rule in enumerate(self.analysis.rules):
            _known(f"analysis.rules[{index}].topic（{rule.phrase}）", rule.topic, topics)
        for index, county in enumerate(self.counties):
            if county.branch is not None:
                _known(f"counties[{index}].branch（{county.name}）", county.branch, branches)
        return self

    @cached_property
    def office_calendar(self) -> OfficeCalendar:
        return OfficeCalendar.build(self.calendar.holidays, self.calendar.makeup_workdays)

    def topic(self, code: str | None) -> Topic | None:
        return next((topic for topic in self.topics if topic.code == code), None)

    def topic_name(self, code: str | None) -> str:
        """The topic's name; a code that has left the profile is shown as it is."""
        topic = self.topic(code)
        return topic.name if topic else (code or "未分類")

    def channel_name(self, code: str) -> str:
        return next((channel.name for channel in self.channels if channel.code == code), code)

    def role_name(self, code: str) -> str:
        return next((role.name for role in self.roles if role.code == code), code)

    def service_line_name(self, code: str | None) -> str:
        lines = self.satisfaction.service_lines
        return next((line.name for line in lines if line.code == code), code or "未說明")

    @property
    def restricted_topics(self) -> frozenset[str]:
        return frozenset(topic.code for topic in self.topics if topic.restricted)

    def branch_of(self, county: str) -> str | None:
        """The branch that serves a county; None for headquarters and for an unknown county."""
        return next((item.branch for item in self.counties if item.name == county), None)

    def answers(self, topic_code: str, unit_code: str) -> bool:
        """Whether a unit is one of those that answer a topic."""
        topic = self.topic(topic_code)
        if topic is None:
            return False
        is_branch = any(unit.code == unit_code and unit.kind == "branch" for unit in self.units)
        return unit_code in (topic.owner, *topic.also) or (topic.branch_handles and is_branch)

    def route(self, topic_code: str | None, county: str) -> str:
        """The unit code that answers a topic from a county; the default owner when nobody is named."""
        topic = self.topic(topic_code)
        if topic is None:
            return self.default_owner
        if not topic.branch_handles or not self.counties:
            return topic.owner
        if not any(item.name == county for item in self.counties):
            return self.default_owner if self.unknown_county == "default_owner" else topic.owner
        return self.branch_of(county) or topic.owner


MESSAGES = {
    "missing": "缺少這一項",
    "extra_forbidden": "沒有這個設定，請檢查拼字",
    "string_pattern_mismatch": "代碼只能用英文字母、數字、「-」與「_」，以字母或數字開頭，最多 32 個字",
    "string_too_short": "不可空白",
    "string_too_long": "最多 {max_length} 個字",
    "string_type": "要填文字；數字請加引號",
    "literal_error": "只能填 {expected}",
    "int_type": "要填整數",
    "int_parsing": "要填整數",
    "int_from_float": "要填整數",
    "bool_type": "只能填 true 或 false",
    "bool_parsing": "只能填 true 或 false",
    "date_type": "要填日期，例如 2026-02-16",
    "date_parsing": "要填日期，例如 2026-02-16",
    "date_from_datetime_parsing": "要填存在的日期，例如 2026-02-16",
    "greater_than_equal": "不可小於 {ge}",
    "less_than_equal": "不可大於 {le}",
    "too_short": "至少要有 {min_length} 項",
    "tuple_type": "要填清單，每項一行，以「- 」開頭",
    "dict_type": "要填「名稱: 內容」，每項一行",
    "model_type": "要填「名稱: 內容」，每項一行",
    "value_error": "{error}",
}


class _Loader(yaml.SafeLoader):
    """YAML in which a date stays text, `off` is a word, and a key given twice is a fault.

    A date that does not exist is then named by its key, and `county: off` means what it says.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConstructorError(problem=f"「{key.value}」寫了兩次", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _as_written(letter: str, tag: str) -> bool:
    """Whether an unquoted value of this kind stays the text that was written."""
    return tag.endswith(":timestamp") or (tag.endswith(":bool") and letter in "yYnNoO")


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not _as_written(letter, tag)]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_profile(path: Path) -> Profile:
    """Read and check a profile. Raises ProfileError with every fault, in Traditional Chinese."""
    try:
        return Profile.model_validate(_Loader(path.read_text(encoding="utf-8")).get_single_data())
    except OSError as error:
        raise ProfileError(f"{path.name}：讀不到機關設定檔，請確認檔案存在且可讀取。") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path.name}：{_yaml_fault(error)}。") from error
    except ValidationError as error:
        faults = "\n".join(f"  {_key(item['loc'])}：{_message(item)}" for item in error.errors())
        raise ProfileError(f"{path.name} 有 {error.error_count()} 個地方要改：\n{faults}") from error


def _yaml_fault(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"第 {mark.line + 1} 行" if mark else "檔案內容"
    if isinstance(error, ConstructorError) and error.context is None:
        return f"{where}{error.problem}"
    return f"{where}不是正確的 YAML"


def _key(location: tuple[int | str, ...]) -> str:
    named = (part for part in location if part != "[key]")
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in named)
    return parts.lstrip(".") or "整份檔案"


def _message(fault: ErrorDetails) -> str:
    """What to correct, in words an administrator can act on."""
    details = dict(fault.get("ctx", {}))
    if "expected" in details:
        details["expected"] = details["expected"].replace(", ", "、").replace(" or ", "、").replace("'", "")
    return MESSAGES.get(fault["type"], "這個值不能用").format(**details)


def _unique(key: str, codes: list[str]) -> set[str]:
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        raise ValueError(f"{key} 裡重複：{'、'.join(repeated)}")
    return set(codes)


def _kept_close(key: str, topic: Topic, roles: tuple[Role, ...]) -> None:
    """A restricted letter stays with its owner, and somebody there may read it."""
    if topic.branch_handles or topic.also:
        raise ValueError(f"{key} 只由 owner 處理，不能有 branch_handles 或 also")
    if not any(role.code == "ethics" for role in roles):
        raise ValueError(f"{key} 要有人能看：請在 roles 加上代碼 ethics 的角色")


def _known(key: str, code: str, codes: set[str]) -> None:
    if code not in codes:
        raise ValueError(f"{key} 指到不存在的單位「{code}」")
