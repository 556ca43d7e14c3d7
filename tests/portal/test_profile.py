"""What a profile promises: the agency's facts are complete, and a mistake in them is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.profile import PROFILES, Profile, ProfileError, load_profile

BUREAU = load_profile(PROFILES / "bsmi.yaml")
LIBRARY = load_profile(PROFILES / "example-library.yaml")

BRANCH_TOPICS = {
    "PI-SCOPE",
    "PI-APPLY",
    "PI-MARK",
    "PI-EXEMPT",
    "PS-SAFETY",
    "PS-MARKET",
    "ST-MARK",
    "ME-VERIF",
    "ME-DISPUTE",
    "LAB",
}
OWNERS = {
    "PI-SCOPE": "檢驗行政組",
    "PI-APPLY": "檢驗行政組",
    "PI-MARK": "檢驗行政組",
    "PI-EXEMPT": "綜合企劃組",
    "PS-SAFETY": "綜合企劃組",
    "PS-MARKET": "綜合企劃組",
    "PS-LABEL": "綜合企劃組",
    "ST-CNS": "標準組",
    "ST-MARK": "標準組",
    "CA-CERT": "檢驗行政組",
    "ME-VERIF": "度量衡技術組",
    "ME-DISPUTE": "度量衡技術組",
    "ME-ADMIN": "度量衡行政組",
    "LAB": "檢驗技術組",
    "SV-STAFF": "秘書室",
    "SV-DIGI": "資訊室",
    "IN-ETHIC": "政風室",
    "ZZ-OTHER": "秘書室",
}


def unit_name(profile: Profile, code: str) -> str:
    return next(unit.name for unit in profile.units if unit.code == code)


# The bureau


def test_the_bureau_has_twelve_units_at_headquarters_and_six_branches() -> None:
    kinds = [unit.kind for unit in BUREAU.units]
    assert (kinds.count("headquarters"), kinds.count("branch")) == (12, 6)


def test_the_bureau_has_eighteen_topics_each_answered_by_its_owner() -> None:
    assert {topic.code: unit_name(BUREAU, topic.owner) for topic in BUREAU.topics} == OWNERS


def test_branches_answer_the_topics_of_operations() -> None:
    assert {topic.code for topic in BUREAU.topics if topic.branch_handles} == BRANCH_TOPICS


def test_every_topic_tells_staff_what_belongs_to_it_and_citizens_what_to_choose() -> None:
    for topic in BUREAU.topics:
        assert topic.definition.endswith("。"), topic.code
        assert 5 <= len(topic.hint) <= 30, topic.code


def test_all_twenty_two_counties_have_a_place_to_go() -> None:
    assert len(BUREAU.counties) == 22


@pytest.mark.parametrize(
    ("county", "unit"),
    [
        ("金門縣", "高雄分局"),
        ("連江縣", "基隆分局"),
        ("宜蘭縣", "基隆分局"),
        ("苗栗縣", "新竹分局"),
        ("南投縣", "臺中分局"),
        ("雲林縣", "臺南分局"),
        ("臺東縣", "花蓮分局"),
        ("臺北市", "綜合企劃組"),
        ("新北市", "綜合企劃組"),
    ],
)
def test_a_safety_letter_goes_to_the_branch_of_its_county(county: str, unit: str) -> None:
    assert unit_name(BUREAU, BUREAU.route("PS-SAFETY", county)) == unit


@pytest.mark.parametrize("county", ["", "火星縣"])
def test_a_branch_topic_from_an_unknown_county_goes_to_the_default_owner(county: str) -> None:
    assert BUREAU.route("PS-SAFETY", county) == "secretariat"


def test_a_headquarters_topic_stays_there_whatever_the_county() -> None:
    assert {BUREAU.route("ST-CNS", county) for county in ("金門縣", "", "臺北市")} == {"standards"}


@pytest.mark.parametrize("topic", [None, "NO-SUCH"])
def test_a_letter_without_a_topic_goes_to_the_default_owner(topic: str | None) -> None:
    assert BUREAU.route(topic, "高雄市") == "secretariat"


def test_only_the_ethics_office_sees_allegations_against_staff() -> None:
    allegation = BUREAU.topic("IN-ETHIC")
    assert allegation is not None
    assert BUREAU.restricted_topics == {"IN-ETHIC"}
    assert (allegation.owner, allegation.also, allegation.branch_handles) == ("ethics", (), False)


def test_the_unconfirmed_reply_time_uses_the_earlier_date() -> None:
    reply = BUREAU.deadlines.reply
    assert (reply.days, reply.basis, reply.confirmed) == (30, "calendar", False)


def test_what_the_agency_has_not_confirmed_says_so() -> None:
    assert BUREAU.unconfirmed
    assert all(gap.startswith("待機關確認：") for gap in BUREAU.unconfirmed)
    assert BUREAU.address == "待機關確認"
    assert not any(unit.email for unit in BUREAU.units)


def test_urgent_phrases_name_harm_and_spare_everyday_words() -> None:
    phrases = BUREAU.analysis.urgent_phrases
    everyday = "致電到人事室詢問漏電斷路器的爆炸圖，資訊爆炸，急救箱骨子裡不受傷害"
    assert len(set(phrases)) == len(phrases) >= 30
    assert [phrase for phrase in phrases if phrase in everyday] == []
    assert any(phrase in "插座突然冒煙，小孩燙傷送醫" for phrase in phrases)


def test_the_calendar_covers_three_complete_years() -> None:
    calendar = BUREAU.calendar
    assert {day.year for day in calendar.holidays} == set(calendar.years) == {2025, 2026, 2027}
    assert calendar.makeup_workdays == (date(2025, 2, 8),)


def test_names_are_shown_for_codes_and_a_retired_code_is_shown_as_it_is() -> None:
    assert BUREAU.topic_name("LAB") == "受託試驗與校正"
    assert BUREAU.topic_name("OLD") == "OLD"
    assert BUREAU.topic_name(None) == "未分類"
    assert (BUREAU.channel_name("fax"), BUREAU.channel_name("telex")) == ("傳真", "telex")
    assert (BUREAU.role_name("head"), BUREAU.role_name("guest")) == ("單位主管", "guest")
    assert (BUREAU.service_line_name("metrology"), BUREAU.service_line_name(None)) == ("度量衡", "未說明")


# Another agency


def test_another_agency_loads_with_its_own_units_topics_and_services() -> None:
    assert (len(LIBRARY.units), len(LIBRARY.counties), len(LIBRARY.topics)) == (4, 3, 5)
    assert LIBRARY.service_line_name("lending") == "借還書"
    assert LIBRARY.analysis.corpus == ""


def test_another_agency_routes_by_its_own_districts() -> None:
    assert LIBRARY.route("PLACE", "河濱區") == "riverside"
    assert LIBRARY.route("PLACE", "東區") == "office"


def test_an_agency_may_leave_an_unknown_district_to_the_topic_owner() -> None:
    assert LIBRARY.route("LOAN", "") == "readers"


def test_an_agency_without_counties_answers_at_the_topic_owner() -> None:
    assert LIBRARY.model_copy(update={"counties": ()}).route("LOAN", "河濱區") == "readers"


def test_off_in_the_file_is_a_word_and_not_a_truth_value() -> None:
    assert LIBRARY.intake.name == "off"


# Mistakes

Change = Callable[[dict[str, Any]], object]


def fault(tmp_path: Path, change: Change) -> str:
    """What an administrator reads after changing the library's file this way."""
    raw = yaml.safe_load((PROFILES / "example-library.yaml").read_text(encoding="utf-8"))
    raw["intake"]["name"] = "off"
    change(raw)
    return fault_in(tmp_path, yaml.safe_dump(raw, allow_unicode=True))


def fault_in(tmp_path: Path, text: str) -> str:
    path = tmp_path / "agency.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    message = str(caught.value)
    assert message.startswith("agency.yaml")
    return message


def put(*keys: str | int, value: object) -> Change:
    def change(raw: Any) -> None:
        for key in keys[:-1]:
            raw = raw[key]
        raw[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "key", "named"),
    [
        (put("topics", 1, "owner", value="nobody"), "topics[1].owner（BOOKS）", "不存在的單位「nobody」"),
        (put("topics", 1, "also", value=["nobody"]), "topics[1].also（BOOKS）", "不存在的單位「nobody」"),
        (put("default_owner", value="nobody"), "default_owner", "不存在的單位「nobody」"),
        (put("counties", 0, "branch", value="office"), "counties[0].branch（東區）", "「office」"),
        (put("units", 1, "code", value="office"), "units", "重複：office"),
        (put("topics", 1, "code", value="LOAN"), "topics", "重複：LOAN"),
        (put("channels", 1, "code", value="web"), "channels", "重複：web"),
        (put("topics", 3, "also", value=["readers"]), "topics[3].restricted（CONDUCT）", "also"),
        (put("topics", 3, "branch_handles", value=True), "topics[3].restricted（CONDUCT）", "branch_handles"),
        (
            lambda raw: raw["roles"].pop(3),
            "topics[3].restricted（CONDUCT）",
            "代碼 ethics 的角色",
        ),
    ],
)
def test_a_wrong_reference_a_repeated_code_or_a_leak_is_named(
    tmp_path: Path, change: Change, key: str, named: str
) -> None:
    message = fault(tmp_path, change)
    assert key in message
    assert named in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("topics", 0, "onwer", value="office"), "topics[0].onwer：沒有這個設定，請檢查拼字"),
        (lambda raw: raw.pop("address"), "address：缺少這一項"),
        (
            put("code", value="中文"),
            "code：代碼只能用英文字母、數字、「-」與「_」，以字母或數字開頭，最多 32 個字",
        ),
        (put("name", value=" "), "name：不可空白"),
        (put("name", value="長" * 2001), "name：最多 2000 個字"),
        (put("phone", value=800007123), "phone：要填文字；數字請加引號"),
        (put("intake", "county", value="maybe"), "intake.county：只能填 required、optional、off"),
        (
            put("deadlines", "reply", "basis", value="lunar"),
            "deadlines.reply.basis：只能填 working、calendar",
        ),
        (put("deadlines", "reply", "days", value="七"), "deadlines.reply.days：要填整數"),
        (put("deadlines", "reply", "days", value=1.5), "deadlines.reply.days：要填整數"),
        (put("deadlines", "reply", "days", value=[7]), "deadlines.reply.days：要填整數"),
        (put("deadlines", "reply", "days", value=0), "deadlines.reply.days：不可小於 1"),
        (put("deadlines", "reply", "days", value=366), "deadlines.reply.days：不可大於 365"),
        (put("deadlines", "reply", "confirmed", value="也許"), "confirmed：只能填 true 或 false"),
        (put("deadlines", "reply", "confirmed", value=[]), "confirmed：只能填 true 或 false"),
        (put("topics", value=[]), "topics：至少要有 1 項"),
        (put("topics", value="LOAN"), "topics：要填清單，每項一行，以「- 」開頭"),
        (put("privacy", value="略"), "privacy：要填「名稱: 內容」，每項一行"),
        (put("calendar", "holidays", value="無"), "calendar.holidays：要填「名稱: 內容」，每項一行"),
        (put("calendar", "holidays", "春節", value="休"), "calendar.holidays.春節：要填存在的日期"),
        (put("calendar", "makeup_workdays", value=[True]), "calendar.makeup_workdays[0]：要填日期"),
    ],
)
def test_a_wrong_value_is_named_by_its_key_in_chinese(tmp_path: Path, change: Change, said: str) -> None:
    assert said in fault(tmp_path, change)


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    message = fault(tmp_path, lambda raw: (raw.pop("name"), raw.pop("phone")))
    assert message.splitlines() == [
        "agency.yaml 有 2 個地方要改：",
        "  name：缺少這一項",
        "  phone：缺少這一項",
    ]


def test_a_day_that_does_not_exist_is_named(tmp_path: Path) -> None:
    text = (PROFILES / "example-library.yaml").read_text(encoding="utf-8")
    message = fault_in(tmp_path, text.replace("2027-03-01:", "2027-02-30:"))
    assert "calendar.holidays.2027-02-30：要填存在的日期" in message


def test_broken_yaml_is_named_by_its_line(tmp_path: Path) -> None:
    assert fault_in(tmp_path, "code: a\nname: [甲\nphone: b\n") == "agency.yaml：第 3 行不是正確的 YAML。"


def test_a_key_given_twice_is_named_by_its_line(tmp_path: Path) -> None:
    assert fault_in(tmp_path, "code: a\nname: 甲\ncode: b\n") == "agency.yaml：第 3 行「code」寫了兩次。"


def test_a_key_that_is_no_word_is_named_by_its_line(tmp_path: Path) -> None:
    assert fault_in(tmp_path, "code: a\nname: {{ 甲 }}\n") == "agency.yaml：第 2 行不是正確的 YAML。"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "整份檔案：要填「名稱: 內容」" in fault_in(tmp_path, "")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agency.yaml"
    path.write_bytes("name: 標準檢驗局".encode("big5"))
    with pytest.raises(ProfileError, match=r"agency\.yaml：檔案內容不是正確的 YAML"):
        load_profile(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"nowhere\.yaml：讀不到機關設定檔"):
        load_profile(tmp_path / "nowhere.yaml")
