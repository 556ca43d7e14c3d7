"""The whole profile: its parts refer to what exists, and it says who answers what."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from portal.clock import OfficeCalendar
from portal.profile.parts import (
    Agency,
    Analysis,
    Answering,
    Calendar,
    Channel,
    Code,
    County,
    Deadlines,
    Intake,
    Part,
    PrivacyNotice,
    Protection,
    Role,
    Satisfaction,
    Text,
    Topic,
    UnitSpec,
    Voice,
)
from portal.profile.records import DataRights, Retention
from portal.profile.replies import ReplyTemplate


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
    voices: tuple[Voice, ...] = ()
    channels: tuple[Channel, ...] = Field(min_length=1)
    roles: tuple[Role, ...]
    deadlines: Deadlines
    answering: Answering = Answering()
    reply_templates: tuple[ReplyTemplate, ...] = ()
    agencies: tuple[Agency, ...] = ()
    urgent_to: tuple[str, ...] = ()
    intake: Intake = Intake()
    protection: Protection = Protection()
    privacy: PrivacyNotice
    satisfaction: Satisfaction
    calendar: Calendar
    analysis: Analysis = Analysis()
    data_rights: DataRights = DataRights()
    retention: Retention = Retention()
    unconfirmed: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Self:
        units = _unique("units", [unit.code for unit in self.units])
        topics = _unique("topics", [topic.code for topic in self.topics])
        _unique("counties", [county.name for county in self.counties])
        _unique("channels", [channel.code for channel in self.channels])
        voices = _unique("voices", [voice.code for voice in self.voices])
        for code in self.deadlines.by_voice:
            _known(f"deadlines.by_voice（{code}）", code, voices, "語氣")
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
        for index, template in enumerate(self.reply_templates):
            if template.topic is not None:
                _known(f"reply_templates[{index}].topic（{template.title}）", template.topic, topics)
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

    def channel(self, code: str | None) -> Channel | None:
        return next((channel for channel in self.channels if channel.code == code), None)

    def channel_name(self, code: str) -> str:
        channel = self.channel(code)
        return channel.name if channel else code

    def voice(self, code: str | None) -> Voice | None:
        return next((voice for voice in self.voices if voice.code == code), None)

    def voice_called(self, name: str | None) -> Voice | None:
        """The voice by its name, as the classifier gives it."""
        return next((voice for voice in self.voices if voice.name == name), None)

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

    def asks_interpretation(self, text: str) -> bool:
        """Whether a letter asks what a rule means, which headquarters say and not a branch."""
        return any(phrase in text for phrase in self.analysis.interpretation_phrases)

    def route(self, topic_code: str | None, county: str, *, interpretation: bool = False) -> str:
        """The unit code that answers a topic from a county; the default owner when nobody is named.

        A question of `interpretation` goes to the topic's owner, wherever it comes from.
        """
        topic = self.topic(topic_code)
        if topic is None:
            return self.default_owner
        if interpretation or not topic.branch_handles or not self.counties:
            return topic.owner
        if not any(item.name == county for item in self.counties):
            return self.default_owner if self.unknown_county == "default_owner" else topic.owner
        return self.branch_of(county) or topic.owner


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


def _known(key: str, code: str, codes: set[str], what: str = "單位") -> None:
    if code not in codes:
        raise ValueError(f"{key} 指到不存在的{what}「{code}」")
