"""Rules of `analytics.issues`: what is one issue, what is a copy, what is counted, and what is kept."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from analytics.hotspots_cli import moment
from analytics.issues.detect import Issue, Letter, detect
from analytics.issues.stream import IssueStream
from analytics.resources import DATA
from analytics.text import configure
from portal.clock import TAIPEI

NLP = Path(__file__).resolve().parents[3] / "shared" / "data" / "nlp"
DAY = date(2026, 11, 2)

MIXER = (
    "麗發新城旁的攪拌站半夜施工\n住在麗發新城，隔壁攪拌站半夜還在運砂石，粉塵很大，窗戶都不敢開。",
    "投訴攪拌站粉塵\n麗發新城社區旁邊蓋了攪拌站，每天粉塵和噪音，小孩一直咳嗽，請派人稽查。",
    "麗發新城攪拌站何時搬走\n攪拌站離我們社區不到一百公尺，噪音從早到晚，之前檢舉過都沒有下文。",
    "攪拌站汙染麗發新城居民\n砂石車進出攪拌站沒有灑水，整條路都是灰，麗發新城的住戶苦不堪言。",
)
OTHERS = (
    "電子秤檢定費用\n請問市場用的電子秤檢定一次要多少錢，可以刷卡嗎？",
    "嬰兒床的檢驗標識\n網路上買的嬰兒床沒有商品檢驗標識，這樣可以賣嗎？",
    "計程車計費表加貼封印\n換輪胎以後計費表要重新檢定嗎，要去哪裡排隊？",
    "行動電源冒煙\n剛買一週的行動電源充電的時候冒煙，外殼都融化了。",
    "玩具槍的安全標準\n玩具槍要符合哪一個國家標準，進口報驗要準備什麼文件？",
    "瓦斯鋼瓶檢驗期限\n家裡的瓦斯鋼瓶超過檢驗期限，瓦斯行還一直送，請處理。",
)


@pytest.fixture(autouse=True)
def _configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    terms = DATA / "bsmi" / "terms.txt"
    configure(terms=terms, cache_dir=tmp_path_factory.getbasetemp() / "jieba")


@pytest.fixture
def stream() -> IssueStream:
    return learned(IssueStream(capacity=200))


def learned(stream: IssueStream) -> IssueStream:
    """A stream that knows how the bureau's letters are worded."""
    files = sorted((DATA / "bsmi" / "letters").glob("*.jsonl"))[:4]
    stream.learn(json.loads(line)["text"] for path in files for line in path.read_text("utf-8").splitlines())
    return stream


def letters(*texts: str, person: str | None = None, days: int = 1) -> list[Letter]:
    start = datetime(2026, 11, 2, 9, tzinfo=TAIPEI)
    return [
        Letter(place, start + timedelta(days=days * place), text, person) for place, text in enumerate(texts)
    ]


def only(issues: list[Issue]) -> Issue:
    assert len(issues) == 1, issues
    return issues[0]


def test_letters_about_one_matter_come_together_and_others_stay_apart(stream: IssueStream) -> None:
    placed = [stream.add(key, DAY, text) for key, text in enumerate(MIXER + OTHERS)]
    assert len({one.group for one in placed[:4]}) == 1
    assert len({one.group for one in placed}) == 1 + len(OTHERS)


def test_script_does_not_matter(stream: IssueStream) -> None:
    first = stream.add(1, DAY, MIXER[0])
    assert (
        stream.add(2, DAY, "投诉丽发新城旁边的搅拌站\n丽发新城旁边的搅拌站半夜施工，粉尘很大。").group
        == first.group
    )


def test_a_text_with_a_few_other_words_is_a_copy_and_a_letter_of_ones_own_is_not(stream: IssueStream) -> None:
    first = stream.add(1, DAY, MIXER[0])
    near = stream.add(2, DAY, MIXER[0].replace("很大", "非常大") + "謝謝")
    own = stream.add(3, DAY, MIXER[1])
    assert (first.is_copy, near.is_copy, own.is_copy) == (False, True, False)
    assert near.copy_of == first.copy_of == first.serial
    assert own.group == first.group


def test_groups_that_turn_out_to_be_one_are_merged_under_the_older_number(stream: IssueStream) -> None:
    one = stream.add(1, DAY, "攪拌站粉塵\n攪拌站的砂石車沒有灑水，粉塵飛揚")
    two = stream.add(2, DAY, "麗發新城噪音\n麗發新城社區半夜有噪音，睡不著")
    assert one.group != two.group
    both = stream.add(3, DAY, "麗發新城噪音、攪拌站粉塵\n麗發新城社區半夜有噪音，攪拌站的砂石車粉塵飛揚")
    assert both.group == one.group
    assert both.merged == ((two.group, one.group),)
    assert [member.key for member in stream.members(one.group)] == [1, 2, 3]
    assert stream.members(two.group) == []


def test_a_group_that_has_just_been_merged_is_not_merged_again(
    stream: IssueStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = (stream.add(place, DAY, text).group for place, text in enumerate(OTHERS[:2]))
    monkeypatch.setattr(IssueStream, "_alike", lambda *groups: True)
    assert stream._merge_alike(newer, [older, newer]) == [(newer, older)]


def test_only_the_newest_letters_are_kept() -> None:
    stream = IssueStream(capacity=4)
    for key, text in enumerate(MIXER + OTHERS):
        stream.add(key, DAY, text)
    assert len(stream) == 4
    assert sorted(member.key for _, group in stream.groups() for member in group) == [6, 7, 8, 9]
    assert {found.key for found in stream.similar(MIXER[0], 50)} <= {6, 7, 8, 9}


def test_letters_leave_after_their_days_and_a_group_leaves_with_its_last() -> None:
    stream = IssueStream(capacity=100, days=30)
    old = stream.add("old", DAY, MIXER[0])
    kept = stream.add("kept", DAY + timedelta(days=20), OTHERS[0])
    stream.add("new", DAY + timedelta(days=31), OTHERS[1])
    assert stream.members(old.group) == []
    assert [member.key for member in stream.members(kept.group)] == ["kept"]


def test_similar_letters_are_told_best_first_with_their_cosine(stream: IssueStream) -> None:
    for key, text in enumerate(OTHERS + MIXER):
        stream.add(key, DAY, text)
    found = stream.similar(MIXER[0], 3)
    assert found[0].key == len(OTHERS)
    assert found[0].cosine == pytest.approx(1.0, abs=1e-3)
    assert {one.key for one in found} <= set(range(len(OTHERS), len(OTHERS + MIXER)))
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True)
    assert stream.similar(MIXER[0], 0) == []


ODD = {
    "empty": "",
    "one character": "啊",
    "control characters": "\x00\x07\x1b",
    "emoji": "😀🎉😡",
    "half a surrogate": "\ud83d",
    "a megabyte": "字" * 1_000_000,
    "blank lines": "\n\n\n",
    "invisible": "\u202e\ufeff",
    "many lines": "a b\n" * 99_999,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_odd_texts_never_raise_and_pull_nothing_in(stream: IssueStream, odd: str) -> None:
    placed = [stream.add(key, DAY, text) for key, text in enumerate((MIXER[0], odd, MIXER[1]))]
    assert placed[0].group == placed[2].group != placed[1].group
    stream.similar(odd)
    assert isinstance(detect(letters(odd, odd, odd)), list)


def test_an_issue_needs_three_letters() -> None:
    assert detect(letters(*MIXER[:2], *OTHERS)) == []
    assert only(detect(letters(*MIXER[:3], *OTHERS))).posts == 3


def test_an_issue_tells_its_letters_its_time_and_its_words() -> None:
    issue = only(detect(letters(*OTHERS[:3], *MIXER, *OTHERS[3:])))
    assert issue.members == (3, 4, 5, 6)
    assert (issue.first, issue.last) == (date(2026, 11, 5), date(2026, 11, 8))
    assert (issue.posts, issue.people, issue.mass_posting) == (4, 4, False)
    assert "攪拌站" in issue.label
    assert "麗發新城" in issue.label


def test_every_word_of_a_label_stands_in_a_letter() -> None:
    issue = only(detect(letters(*MIXER, *OTHERS)))
    assert all(any(word in text for text in MIXER) for word in issue.label.split("、"))


def test_a_label_holds_no_personal_data() -> None:
    texts = [f"{text}我叫王小明，電話0912345678，信箱a.b@c.com.tw" for text in MIXER]
    issue = only(detect(letters(*texts)))
    assert not any(secret in issue.label for secret in ("王小明", "0912", "c.com", "姓名"))


def test_copies_of_unknown_people_are_one_author_and_mass_posting() -> None:
    issue = only(detect(letters(*[MIXER[0]] * 6)))
    assert (issue.posts, issue.people, issue.texts, issue.mass_posting) == (6, 1, 1, True)


def test_one_person_with_many_texts_is_one_person_and_mass_posting() -> None:
    issue = only(detect(letters(*MIXER, person="p1")))
    assert (issue.posts, issue.people, issue.texts, issue.mass_posting) == (4, 1, 4, True)


def test_many_people_with_one_prepared_text_are_counted_as_people_and_folded() -> None:
    same = [Letter(one.key, one.when, one.text, f"p{one.key}") for one in letters(*[MIXER[0]] * 5)]
    issue = only(detect(same))
    assert (issue.posts, issue.people, issue.texts, issue.voices) == (5, 5, 1, 1)
    assert issue.mass_posting


def test_an_unsigned_copy_of_a_signed_letter_adds_nobody() -> None:
    mixed = letters(MIXER[0], MIXER[0], MIXER[1], MIXER[2])
    mixed[0] = Letter(0, mixed[0].when, MIXER[0], "p1")
    assert only(detect(mixed)).people == 3


def test_mass_posting_weighs_less_than_as_many_letters_of_ones_own() -> None:
    one_text = only(detect(letters(*[MIXER[0]] * 4)))
    own_texts = only(detect(letters(*MIXER)))
    assert one_text.posts == own_texts.posts
    assert one_text.score < own_texts.score


def test_letters_that_come_at_once_weigh_more() -> None:
    assert only(detect(letters(*MIXER))).score > only(detect(letters(*MIXER, days=20))).score


def test_an_issue_keeps_counting_letters_that_left_the_window() -> None:
    issue = only(detect(letters(*MIXER), capacity=2))
    assert issue.members == (0, 1, 2, 3)


def test_the_order_of_the_lines_does_not_matter() -> None:
    given = letters(*MIXER, *OTHERS)
    assert detect(given[::-1]) == detect(given)


@pytest.fixture
def messages() -> list[Letter]:
    path = NLP / "teddy_messages_4326.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine: the quality of hot issues is NOT tested here")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Letter(row["id"], moment("", row["time"]), row["text"]) for row in rows]


def test_known_incidents_are_found_among_thousands_of_letters(messages: list[Letter]) -> None:
    """Among every tenth letter, to be quick; the bench measures the whole set."""
    gold = json.loads((NLP / "teddy_hot_gold.json").read_text("utf-8"))
    known = {name: set(keys) for name, keys in gold.items()}
    wanted = set().union(*known.values())
    some = [letter for place, letter in enumerate(messages) if letter.key in wanted or place % 10 == 0]
    found = [set(issue.members) for issue in detect(some)]
    best = [
        max(2 * len(keys & members) / (len(keys) + len(members)) for members in found)
        for keys in known.values()
    ]
    assert sum(best) / len(best) >= 0.85
