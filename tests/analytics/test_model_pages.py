"""The pages on the classifier: what is at work, why a version waits, the way back, and how well it does."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup

from analytics.comparison import parts, reasons
from analytics.models import ClassifierVersion
from analytics.resources import Resources
from analytics.services import candidates, versions
from feedback.sampling import in_random_share
from feedback.services import sorting, suggesting
from portal import charts
from portal.access import Actor, Role
from portal.app import profile
from portal.audit import AuditEvent
from portal.clock import TAIPEI
from portal.db import db
from portal.errors import BadInput, NotFound
from tests.analytics.conftest import Trained
from tests.analytics.learning import put_to_work
from tests.analytics.reading import tables
from tests.factories import guess, make_actor, make_case
from tests.feedback.test_inbox import counted

SignIn = Callable[[Actor], FlaskClient]
NOW = datetime(2026, 12, 5, 10, tzinfo=TAIPEI)
MODELS, WATCH = "/staff/models/", "/staff/models/watch"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.views.models.utcnow", lambda: NOW)


@pytest.fixture
def admin(ctx: Flask) -> Actor:
    return make_actor(Role.ADMIN, "it")


@pytest.fixture
def browser(admin: Actor, sign_in: SignIn) -> FlaskClient:
    return sign_in(admin)


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was given to the renderer, which is not started."""
    kept: list[Any] = []

    def keep(specs: list[Any], *, label: str) -> list[Markup]:
        kept.extend(specs)
        return [Markup("<svg></svg>") for _ in specs]

    monkeypatch.setattr(charts, "render_all", keep)
    return kept


def read(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return html.unescape(answer.text)


def active_id() -> str | None:
    active = versions.active_version()
    return active.id if active else None


def scores(n: int, right: int, **topics: tuple[float, float, int]) -> dict[str, Any]:
    """One model's side of a comparison; topics by code with precision, recall and n."""
    per_topic = {
        code.replace("_", "-"): {"precision": precision, "recall": recall, "n": count}
        for code, (precision, recall, count) in topics.items()
    }
    return {
        "n": n, "accuracy": right / n, "macro_f1": 0.876, "interval": [0.7, 0.9], "per_topic": per_topic
    }  # fmt: skip


NONE = {"n": 0, "worse": False, "candidate": {"n": 0}}
WORSE = {
    "n": 100,
    "worse": True,
    "lost": 20,
    "gained": 8,
    "candidate": scores(100, 78, ST_CNS=(0.5, 0.25, 40), PI_SCOPE=(0.875, 0.75, 60)),
    "active": scores(100, 90, ST_CNS=(0.625, 0.375, 40), PI_SCOPE=(1.0, 0.95, 60)),
}


def manifest(trained: Trained, frozen: Any = NONE, newest: Any = NONE, **more: Any) -> dict[str, Any]:
    compared = {"against": trained.version, "frozen": frozen, "newest": newest}
    return trained.manifest | {"comparison": compared} | more


@pytest.fixture
def candidate(classifier: str, trained: Trained) -> ClassifierVersion:
    """A version that waits because it is worse on the frozen letters."""
    return versions.register("9-candidate", manifest(trained, frozen=WORSE), now=NOW)


# --- Who may -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HANDLER, Role.HEAD, Role.SECRETARIAT, Role.ETHICS])
def test_versions_are_the_administrators(role: Role, candidate: ClassifierVersion, sign_in: SignIn) -> None:
    before, browser = active_id(), sign_in(make_actor(role))
    assert browser.get(MODELS).status_code == 403
    assert browser.get(f"{MODELS}{candidate.id}/comparison").status_code == 403
    for act in (f"{candidate.id}/activate", f"{candidate.id}/set-aside", "rollback"):
        assert browser.post(f"{MODELS}{act}").status_code == 403
    assert active_id() == before


@pytest.mark.parametrize("role", Role)
def test_everybody_who_works_here_reads_how_well_it_does(role: Role, sign_in: SignIn) -> None:
    assert "分類品質" in read(sign_in(make_actor(role)), WATCH)


# --- The list ----------------------------------------------------------------------------------------


def test_without_a_model_the_page_says_what_to_do(browser: FlaskClient) -> None:
    assert "flask analytics train" in read(browser, MODELS)


def test_the_active_version_shows_its_scores_with_n(
    classifier: str, trained: Trained, browser: FlaskClient
) -> None:
    found: Any = trained.manifest["scores"]
    text = read(browser, MODELS)
    assert f"{100 * found['accuracy']:.1f}%（n＝{found['n']}）" in text
    assert f"{MODELS}{classifier}/activate" not in text, "the active one needs no button"
    assert "換回前一版" not in text, "there is none"


def test_a_version_that_waits_says_why_and_links_to_its_comparison(
    candidate: ClassifierVersion, browser: FlaskClient
) -> None:
    text = read(browser, MODELS)
    assert "等待決定" in text
    assert "固定比對的信（n＝100）：比使用中的版本多錯 12 封，超過一個標準誤（5.3 封）。" in text
    for act in ("comparison", "activate", "set-aside"):
        assert f'"{MODELS}{candidate.id}/{act}"' in text


def test_one_click_goes_back_to_the_version_that_the_button_names(
    classifier: str, trained: Trained, admin: Actor, browser: FlaskClient, resources: Resources
) -> None:
    versions.register("9-newer", trained.manifest, now=NOW)
    versions.activate("9-newer", by=None, now=NOW)
    text = read(browser, MODELS)
    assert f"換回前一版：{classifier}" in text
    sent = browser.post(f"{MODELS}rollback", data={"to": classifier})
    assert (sent.status_code, sent.location) == (303, MODELS)
    active = versions.active_version()
    assert active is not None
    assert (active.id, active.activated_by, active.activated_at) == (classifier, admin.id, NOW)


def test_a_second_click_on_going_back_goes_no_further(
    classifier: str, trained: Trained, browser: FlaskClient
) -> None:
    versions.register("9-newer", trained.manifest, now=NOW)
    versions.activate("9-newer", by=None, now=NOW)
    answers = [browser.post(f"{MODELS}rollback", data={"to": classifier}).status_code for _ in range(2)]
    assert answers == [303, 409]
    assert active_id() == classifier


def test_there_is_no_going_back_from_the_first_version(classifier: str, browser: FlaskClient) -> None:
    assert browser.post(f"{MODELS}rollback", data={"to": classifier}).status_code == 404
    assert active_id() == classifier


def test_a_version_is_activated_by_a_button(
    classifier: str, trained: Trained, admin: Actor, browser: FlaskClient
) -> None:
    put_to_work("9-newer", manifest(trained), now=NOW)
    address = f"{MODELS}{classifier}/activate"
    assert browser.get(address).status_code == 405
    assert browser.post(address).status_code == 303
    active = versions.active_version()
    assert active is not None
    assert (active.id, active.activated_by) == (classifier, admin.id)


@pytest.mark.parametrize("by_rollback", [True, False])
def test_a_version_whose_file_is_gone_is_not_put_to_work(
    by_rollback: bool, classifier: str, trained: Trained, resources: Resources, browser: FlaskClient
) -> None:
    """Letters would wait for a suggestion without anybody having meant it."""
    put_to_work("9-newer", manifest(trained), now=NOW)
    next(Path(resources.models / classifier).glob("model.joblib")).unlink()
    address = f"{MODELS}rollback" if by_rollback else f"{MODELS}{classifier}/activate"
    sent = browser.post(address, data={"to": classifier}, follow_redirects=True)
    assert "檔案不見了" in sent.text
    assert active_id() == "9-newer"


def test_the_buttons_work_with_their_token_only(
    candidate: ClassifierVersion, ctx: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ctx.config, "WTF_CSRF_ENABLED", True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', read(browser, MODELS))
    assert token
    button = f"{MODELS}{candidate.id}/set-aside"
    assert browser.post(button).status_code == 400
    assert browser.post(button, data={"csrf_token": token[1]}).status_code == 303


def test_what_is_unknown_is_not_found(browser: FlaskClient) -> None:
    assert browser.get(f"{MODELS}none/comparison").status_code == 404
    for act in ("none/activate", "none/set-aside", "rollback"):
        assert browser.post(f"{MODELS}{act}").status_code == 404


# --- 保留不用 ----------------------------------------------------------------------------------------


def test_a_version_set_aside_waits_no_longer_and_can_still_be_activated(
    candidate: ClassifierVersion, admin: Actor, browser: FlaskClient
) -> None:
    before = active_id()
    assert browser.post(f"{MODELS}{candidate.id}/set-aside").status_code == 303
    text = read(browser, MODELS)
    assert "等待決定" not in text
    assert tables(text)["其他版本"].row(candidate.id)[-1].text == "保留不用"
    assert active_id() == before
    assert f"{MODELS}{candidate.id}/activate" in read(browser, f"{MODELS}{candidate.id}/comparison")
    noted = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "classifier.set_aside")).one()
    assert (noted.object_id, noted.actor_id) == (candidate.id, admin.id)


def test_the_version_at_work_cannot_be_set_aside(classifier: str, admin: Actor) -> None:
    with pytest.raises(BadInput, match="正在使用"):
        candidates.set_aside(classifier, by=admin, now=NOW)
    with pytest.raises(NotFound):
        candidates.set_aside("none", by=admin, now=NOW)


# --- The comparison ----------------------------------------------------------------------------------


def test_both_versions_stand_beside_each_other_with_n_and_interval(
    candidate: ClassifierVersion, classifier: str, browser: FlaskClient
) -> None:
    text = read(browser, f"{MODELS}{candidate.id}/comparison")
    assert classifier in text
    found = tables(text)["固定比對的信：整體"]
    assert found.headers == ["項目", "這一版", "當時使用中的版本"]
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["信（n）", "100", "100"],
        ["正確率", "78.0%", "90.0%"],
        ["正確率的 95% 區間", "70.0–90.0%", "70.0–90.0%"],
        ["各主題平均 F1（macro-F1）", "87.6%", "87.6%"],
        ["只有它對、另一版錯的信", "8", "20"],
    ]


def test_topics_are_named_in_the_profiles_order_with_both_versions_figures(
    candidate: ClassifierVersion, browser: FlaskClient
) -> None:
    found = tables(read(browser, f"{MODELS}{candidate.id}/comparison"))["固定比對的信：各主題"]
    names = [profile().topic_name(code) for code in ("PI-SCOPE", "ST-CNS")]
    assert found.texts == [
        [names[0], "60", "75.0%", "95.0%", "87.5%", "100.0%"],
        [names[1], "40", "25.0%", "37.5%", "50.0%", "62.5%"],
    ]


def test_the_page_says_why_a_version_waits_and_offers_both_decisions(
    candidate: ClassifierVersion, browser: FlaskClient
) -> None:
    text = read(browser, f"{MODELS}{candidate.id}/comparison")
    assert "為什麼沒有自動啟用" in text
    assert "比使用中的版本多錯 12 封，超過一個標準誤（5.3 封）" in text
    assert "沒有可以比對的信" in text, "of the newest letters there is none"
    for act in ("activate", "set-aside"):
        assert f'action="{MODELS}{candidate.id}/{act}"' in text


def test_the_active_version_has_no_buttons(classifier: str, browser: FlaskClient) -> None:
    assert "<form" not in read(browser, f"{MODELS}{classifier}/comparison").split("<main")[1]


def test_a_version_from_before_there_were_comparisons_says_so(classifier: str, browser: FlaskClient) -> None:
    assert "沒有比對資料" in read(browser, f"{MODELS}{classifier}/comparison")


def test_a_rival_from_before_may_have_learned_the_letters_and_that_is_said(
    candidate: ClassifierVersion, trained: Trained, browser: FlaskClient
) -> None:
    """The older release froze nothing."""
    assert "可能學過這些信" in read(browser, f"{MODELS}{candidate.id}/comparison")
    versions.register("2-newer", manifest(trained), now=NOW)
    against_newer: dict[str, Any] = manifest(trained, frozen=WORSE)
    against_newer["comparison"] |= {"against": "2-newer"}
    versions.register("9-another", against_newer, now=NOW)
    text = read(browser, f"{MODELS}9-another/comparison")
    assert "可能學過這些信" not in text
    assert "不是當時那一版" in text, "another one is at work by now"


def test_a_difference_that_may_be_chance_is_called_so(trained: Trained) -> None:
    close = WORSE | {"lost": 5, "gained": 4, "worse": False}
    version = ClassifierVersion(
        id="x", manifest=manifest(trained, frozen=close, newest=close | {"gained": 5})
    )
    assert [part.verdict for part in parts(version)] == [
        "比使用中的版本多錯 1 封，在一個標準誤（3.0 封）之內，可能只是巧合。",
        "和使用中的版本錯得一樣多。",
    ]
    assert reasons(version, None) == []


def test_without_letters_to_judge_by_the_reason_is_the_cross_validation(trained: Trained) -> None:
    rival = ClassifierVersion(id="r", manifest={"scores": {"macro_f1": 0.85}})
    version = ClassifierVersion(id="x", manifest=manifest(trained, scores={"macro_f1": 0.8}))
    assert reasons(version, rival) == [
        "沒有可以比對的信，改看交叉驗證：各主題平均 F1 是 80.0%，比使用中的版本（85.0%）低 5.0 個百分點。"
    ]


# --- How well it does --------------------------------------------------------------------------------


def letters(
    count: int, received: datetime, *, suggested: str = "ST-CNS", topic: str | None = "ST-CNS", **said: Any
) -> list[str]:
    """Letters read and, with a topic, confirmed; their numbers."""
    by = make_actor(Role.SECRETARIAT, "secretariat")
    numbers = []
    for _ in range(count):
        case = make_case(received=received, unit_code="standards", subject="機密主旨", body="民眾的話")
        told = guess(topic=suggested, unknown_words=0.1, **said)
        suggesting.record_suggestion(case.id, told, profile=profile(), now=received)
        if topic:
            moment = received + timedelta(hours=1)
            sorting.confirm_topic(case.id, topic=topic, by=by, profile=profile(), now=moment)
        numbers.append(case.number)
    return numbers


def taipei(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 10, tzinfo=TAIPEI)


def test_each_topic_shows_right_of_n_interval_and_dates(browser: FlaskClient) -> None:
    numbers = letters(3, taipei(11, 2)) + letters(1, taipei(11, 20), suggested="ST-MARK", abstained=True)
    table = tables(read(browser, WATCH))["各主題的正確率"]
    every, sure, sampled, _, days = (cell.text for cell in table.row(profile().topic_name("ST-CNS")))
    assert every == "75.0% 3／4 封 30.1–95.4% 樣本少"
    assert sure == "100.0% 3／3 封 43.9–100.0% 樣本少"
    assert days == "115年11月2日至 115年11月20日"
    chosen = sum(in_random_share(number) for number in numbers)
    assert sampled.startswith("沒有信") if not chosen else f"／{chosen} 封" in sampled
    assert table.row("全部主題")[0].text == every


def test_enough_letters_are_not_flagged(browser: FlaskClient) -> None:
    letters(30, taipei(11, 2))
    table = tables(read(browser, WATCH))["各主題的正確率"]
    assert table.row("全部主題")[0].text == "100.0% 30／30 封 88.6–100.0%"


def test_letters_older_than_thirteen_months_are_not_on_the_page(browser: FlaskClient) -> None:
    letters(1, taipei(11, 30, year=2025))
    assert "還沒有判讀過的信" in read(browser, WATCH)
    letters(1, taipei(12, 1, year=2025))
    table = tables(read(browser, WATCH))["各月的比率：數據表"]
    assert [row[0].text for row in table.rows] == ["114年12月"]


def test_a_month_shows_each_share_with_n_and_a_judgement(browser: FlaskClient, drawn: list[Any]) -> None:
    letters(40, taipei(10, 5))
    letters(30, taipei(11, 5), suggested="ST-MARK", abstained=True)
    text = read(browser, WATCH)
    row = tables(text)["各月的比率：數據表"].row("115年11月")
    assert [cell.text for cell in row] == [
        "30",
        "100.0% n＝30 偏高",
        "100.0% n＝30 偏高",
        "10.0% n＝30 在常態範圍",
        "1.000 n＝30 巧合值 0.040 偏高",
    ]
    assert "115年11月和過去一年相比" in text
    assert "沒有把握的信：偏高" in text
    assert "沒看過的詞：在常態範圍" in text
    values = {(d["series"], d["place"]): d["value"] for d in drawn[0]["data"]["values"]}
    assert values["更正", "115-10"] == 0.0
    assert values["更正", "115-11"] == 100.0


def test_a_month_under_way_says_until_when(browser: FlaskClient) -> None:
    letters(20, taipei(11, 5))
    letters(20, taipei(12, 2))
    assert "115年12月（到115年12月5日）和過去一年相比" in read(browser, WATCH)


def test_letters_that_nobody_confirmed_make_months_but_no_accuracy(browser: FlaskClient) -> None:
    letters(2, taipei(11, 5), topic=None)
    text = read(browser, WATCH)
    assert "還沒有確認過主題的信" in text
    assert tables(text)["各月的比率：數據表"].row("115年11月")[2].text == "沒有信 信太少，不判斷"


def test_the_page_holds_no_word_of_a_letter(browser: FlaskClient) -> None:
    numbers = letters(3, taipei(11, 5))
    text = read(browser, WATCH)
    assert "民眾的話" not in text
    assert "機密主旨" not in text
    assert not any(number in text for number in numbers)


def test_the_page_asks_the_database_as_often_for_many_letters_as_for_few(browser: FlaskClient) -> None:
    taken = []
    for _ in range(2):
        letters(8, taipei(11, 5))
        letters(8, taipei(10, 5), suggested="ST-MARK")
        with counted() as statements:
            read(browser, WATCH)
        taken.append(len(statements))
    assert taken[0] == taken[1]
    assert taken[1] <= 5, statements
