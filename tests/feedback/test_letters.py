"""What a letter may be, whatever way it comes in."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest

from feedback.letters import EMAIL, MAX_EMAIL, MAX_NAME, Letter, county_name, problems
from feedback.secrets import derive_secret, hash_secret, matches, tidy_number
from portal.forms import clean
from portal.profile import PROFILES, County, Intake, Profile, load_profile

BUREAU = load_profile(PROFILES / "bsmi.yaml")


def letter(**values: str) -> Letter:
    return replace(Letter(subject="請問", body="請問哪裡可以看國家標準？"), **values)


def faults(profile: Profile = BUREAU, **values: str) -> set[str]:
    return set(problems(letter(**values), profile))


def with_intake(**values: object) -> Profile:
    return BUREAU.model_copy(update={"intake": Intake(**values)})  # type: ignore[arg-type]  # test values


def test_subject_and_body_are_enough() -> None:
    assert faults() == set()


@pytest.mark.parametrize("field", ["subject", "body"])
def test_subject_and_body_must_be_written(field: str) -> None:
    assert faults(**{field: ""}) == {field}


@pytest.mark.parametrize(
    ("field", "most"),
    [("subject", BUREAU.intake.max_subject), ("body", BUREAU.intake.max_body), ("name", MAX_NAME)],
)
def test_a_text_may_be_as_long_as_allowed_and_no_longer(field: str, most: int) -> None:
    assert faults(**{field: "長" * most}) == set()
    assert faults(**{field: "長" * (most + 1)}) == {field}


def test_a_too_long_text_is_told_both_lengths() -> None:
    message = problems(letter(subject="長" * 201), BUREAU)["subject"]
    assert "200" in message
    assert "201" in message


@pytest.mark.parametrize("mark", ["\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\ud800"])
@pytest.mark.parametrize("field", ["subject", "body", "name"])
def test_control_characters_and_broken_unicode_are_refused(field: str, mark: str) -> None:
    assert faults(**{field: f"前{mark}後"}) == {field}


def test_emoji_rare_characters_line_ends_and_tabs_are_welcome() -> None:
    assert faults(subject="謝謝👍🏽", body="第一行\n\t第二行 𠮷野家 é", name="𡘙") == set()


@pytest.mark.parametrize(("field", "label"), [("subject", "主旨"), ("name", "姓名")])
@pytest.mark.parametrize("mark", ["\n", "\t"])
def test_subject_and_name_are_one_line(field: str, label: str, mark: str) -> None:
    assert problems(letter(**{field: f"前{mark}後"}), BUREAU) == {field: f"{label}請寫成一行。"}


def test_marks_that_reorder_what_is_read_are_removed() -> None:
    assert clean("檢\u202e驗\u2066標\u200b識\ufeff") == "檢驗標識"


def test_line_ends_of_every_system_become_one_kind() -> None:
    assert clean("一\r\n二\r三\u2028四") == "一\n二\n三\n四"


@pytest.mark.parametrize("text", ["", "   ", "\u3000\u3000", "\n\t ", "\u200b\u200e"])
def test_only_spaces_is_nothing(text: str) -> None:
    assert clean(text) == ""


@pytest.mark.parametrize(
    "email",
    [
        "a@b.tw",
        "first.last+tag@sub.example.com",
        "名字@例子.台灣",
        f"{'a' * 60}@example.com",
        "o'brien=x@a-b.example.com",
        "a?b@c.tw",
        "_a@xn--fiqs8s.xn--kpry57d",
    ],
)
def test_usual_addresses_are_accepted_and_fit_a_mail(email: str) -> None:
    assert faults(email=email) == set()
    message = EmailMessage()
    message["To"] = email
    assert [address.addr_spec for address in message["To"].addresses] == [email]


def test_an_endless_address_is_refused_at_once() -> None:
    for email in ("a" * 100_000, "a." * 50_000, "a@" + "b-" * 50_000, "a@" + "b." * 50_000):
        assert not EMAIL.fullmatch(email[:254])
        assert faults(email=email) == {"email"}


@pytest.mark.parametrize(
    "email",
    [
        "a", "a@b", "@b.tw", "a@.tw", "a b@c.tw", "a@b.tw,c@d.tw", "a@b.tw\nBcc: x@y.tw", "<a@b.tw>",
        "a@@b.tw",
        "a\x00@b.tw", f"{'a' * MAX_EMAIL}@b.tw",
        "a@[b.com", "a@b]c.com", "a@[127.0.0.1]", "=?utf-8?q?@!?=x.tw", "=?utf-8?q?a?=@x.tw", ".a@b.tw",
        "a.@b.tw", "a..b@c.tw", "a@-b.tw", "a@b-.tw", "a@b_c.tw", "a@b..tw", "a@b.tw.", "a@b.c",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_one_are_refused(email: str) -> None:
    assert faults(email=email) == {"email"}


@pytest.mark.parametrize(
    "phone", ["02-2343-4567", "02-2343-4567 轉 123", "+886 2 2343 4567", "(02)23434567#12"]
)
def test_usual_phone_numbers_are_accepted(phone: str) -> None:
    assert faults(phone=phone) == set()


@pytest.mark.parametrize("phone", ["1", "打給我", "02-2343-4567\n", "9" * 41, "0912<script>"])
def test_phone_numbers_that_cannot_be_one_are_refused(phone: str) -> None:
    assert faults(phone=phone) == {"phone"}


def test_hint_county_and_channel_come_from_the_profile() -> None:
    assert faults(hint="IN-ETHIC", county="金門縣", channel="api") == set()
    assert faults(hint="NO-SUCH", county="火星市", channel="pigeon") == {"hint", "county", "channel"}


@pytest.mark.parametrize("county", ["台北市", "台中市", "台南市", "台東縣"])
def test_a_county_may_be_spelled_the_everyday_way(county: str) -> None:
    assert faults(county=county) == set()
    assert county_name(county, BUREAU) == county.replace("台", "臺")


def test_the_profile_decides_how_a_county_is_spelled() -> None:
    everyday = BUREAU.model_copy(update={"counties": (County(name="台東區", branch=None),)})
    assert faults(everyday, county="臺東區") == faults(everyday, county="台東區") == set()
    assert county_name("臺東區", everyday) == "台東區"
    assert county_name("火星台", everyday) == "火星台"


def test_a_required_contact_is_one_of_two() -> None:
    strict = with_intake(contact="required")
    assert faults(strict) == {"email"}
    assert faults(strict, phone="02-2343-4567") == set()
    assert faults(strict, email="a@b.tw") == set()


def test_a_required_name_and_county_must_be_given() -> None:
    assert faults(with_intake(name="required", county="required")) == {"name", "county"}


def test_what_the_agency_does_not_collect_is_refused() -> None:
    given = {"name": "王小明", "email": "a@b.tw", "phone": "02-2343-4567", "county": "臺北市"}
    assert faults(with_intake(name="off", contact="off", county="off"), **given) == set(given)


def test_the_same_words_have_the_same_content_hash_and_others_another() -> None:
    assert letter().content_hash == letter().content_hash
    assert letter().content_hash != letter(name="王小明").content_hash


def test_a_secret_is_the_same_for_the_same_key_and_differs_otherwise() -> None:
    assert derive_secret("one", "key") == derive_secret("one", "key")
    assert len({derive_secret(site, key) for site in ("one", "two") for key in ("a", "b")}) == 4


@pytest.mark.parametrize(
    "typed",
    ["0123ABCD4567", "o123-abcd-4567", " 0123 abcd 4567 ", "０１２３ＡＢＣＤ４５６７", "0I23ABCD4567"],
)
def test_habits_of_typing_do_not_matter_for_a_secret(typed: str) -> None:
    assert matches("115-000001", typed, hash_secret("115-000001", "0123ABCD4567"))


def test_a_secret_opens_its_own_letter_only() -> None:
    assert not matches("115-000002", "0123ABCD4567", hash_secret("115-000001", "0123ABCD4567"))


@pytest.mark.parametrize(
    "typed", ["115-000123", "１１５－０００１２３", " 115 000123 ", "115000123", "115–000123"]
)
def test_habits_of_typing_do_not_matter_for_a_number(typed: str) -> None:
    assert tidy_number(typed) == "115-000123"


@pytest.mark.parametrize("typed", ["", "abc", "115", "115-000123\x00", "115-000123' OR 1=1", "1" * 500])
def test_what_cannot_be_a_number_is_none(typed: str) -> None:
    assert tidy_number(typed) == ""
