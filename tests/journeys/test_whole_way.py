"""The main job: a letter and a survey answer travel the whole chain, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from portal.clock import Period, utcnow
from tests.journeys.conftest import DESK, PHONE, Site, sign_in
from tests.journeys.test_pages import check

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TOPIC = "計量不準與糾紛鑑定"
SUBJECT = "菜市場磅秤好像不準"
BODY = (
    "我在臺中的黃昏市場買三斤豬肉，回家用家裡的秤只有兩斤半，"
    "懷疑攤販的磅秤動過手腳，斤兩不足，請派人去檢查那台磅秤準不準。"
)
ANSWER = "您好，本分局已於今日派員到場檢查該攤販的磅秤，檢查結果將於三日內以電子郵件告知您。"
OPINION = "到場檢定的同仁說明得很清楚，希望網路預約的時段再多一些。"


def write_letter(page: Page) -> tuple[str, str]:
    """As a citizen: fill the form, keep number and secret."""
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="寫信給我們").first.click()
    page.get_by_label("主旨").fill(SUBJECT)
    page.get_by_label(re.compile("^內容")).fill(BODY)
    page.get_by_label(re.compile("縣市")).select_option("臺中市")
    page.get_by_label(re.compile("電子郵件")).fill("citizen@example.com")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/feedback/receipt")
    number, secret = (text.strip() for text in page.locator(".receipt .code").all_inner_texts())
    return number, secret.replace("\n", "").replace(" ", "")


# Menus fold and styles follow the new size in the frame after it is set.
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def look(page: Page, where: str) -> None:
    """The page at this step, on a phone and on a desk: readable, labelled, without complaints of axe."""
    before = page.viewport_size
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        page.evaluate(TWO_FRAMES)
        check(page, where)
    if before:
        page.set_viewport_size(before)


def offer_and_take_back(page: Page) -> None:
    """Ask another unit to take the letter over, and think better of it."""
    page.get_by_text("移給別的單位").click()
    page.locator("#transfer-unit").select_option(label="度量衡行政組")
    page.locator("#transfer-reason").fill("這封信問的是法規，屬貴組業務。")
    page.get_by_role("button", name="送請對方收件").click()
    expect(page.get_by_role("main")).to_contain_text("請度量衡行政組收件")
    look(page, "a letter that is offered to another unit")
    page.get_by_role("button", name="取消移轉").click()


def track(page: Page, number: str, secret: str) -> None:
    page.goto(f"/feedback/track?number={number}")
    page.get_by_label("查詢密碼").fill(secret)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(f"**/feedback/track/{number}")


def open_letter(page: Page) -> None:
    """As the unit's handler: find the letter in the inbox, wait until the job has read it."""
    sign_in(page, "staff")
    page.goto("/staff/cases/")
    for _ in range(30):
        link = page.get_by_role("link", name=SUBJECT)
        if link.count():
            link.first.click()
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError("the letter did not reach the unit's inbox within 30 seconds")


def confirm_topic(page: Page) -> None:
    """Press the one button when the classifier was sure, otherwise choose from the list."""
    sure = page.get_by_role("button", name="確認這個主題")
    if sure.count():
        sure.click()
        return
    page.locator("select#confirm_topic-topic").select_option(label=TOPIC)
    page.get_by_role("button", name="確認選擇的主題").click()


def test_a_letter_and_an_answer_travel_the_whole_way(site: Site, open_page: Callable[..., Page]) -> None:
    citizen, staff, head = open_page(PHONE), open_page(DESK), open_page(DESK)
    number, secret = write_letter(citizen)
    look(citizen, "a receipt")
    track(citizen, number, secret)
    look(citizen, "a letter as its writer follows it")

    open_letter(staff)
    expect(staff.get_by_role("main")).to_contain_text(re.compile(TOPIC + r"（\d+%）"))
    look(staff, "a letter that just came")
    confirm_topic(staff)
    expect(staff.get_by_role("main")).to_contain_text(re.compile("林怡君.*確認"))
    offer_and_take_back(staff)
    staff.locator("#answer-body").fill(ANSWER)
    staff.get_by_role("button", name="送主管核判").click()
    expect(staff.get_by_role("main")).to_contain_text("第 1 版")
    sign_off(head, staff.url)
    expect(head.get_by_role("main")).to_contain_text("已答復")

    citizen.reload()
    expect(citizen.get_by_role("main")).to_contain_text(ANSWER)
    look(citizen, "an answer to be rated")
    citizen.get_by_text("非常滿意", exact=True).click()
    citizen.get_by_role("button", name=re.compile("評分|送出")).first.click()
    expect(citizen.get_by_role("main")).to_contain_text("謝謝")

    answer_survey(citizen)
    assert "完成" in site.flask("jobs", "run", "unit-summary")
    see_it_in_the_summary(staff, number)
    see_it_in_the_trend(open_page(DESK))


def sign_off(page: Page, letter: str) -> None:
    """As the unit's head: read the draft, approve it, send it."""
    sign_in(page, "head")
    page.goto(letter)
    expect(page.get_by_role("main")).to_contain_text(ANSWER)
    look(page, "an answer to be signed off")
    page.get_by_role("button", name="核可").click()
    look(page, "an answer to be sent")
    page.get_by_role("button", name="發文").click()


def answer_survey(page: Page) -> None:
    page.goto("/surveys/service")
    page.get_by_role("group", name=re.compile("整體來說")).get_by_text("非常滿意", exact=True).click()
    page.get_by_label(re.compile("^度量衡")).check()
    page.locator("#q_unit").select_option(label="臺中分局")
    page.get_by_label(re.compile("最滿意")).fill(OPINION)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/surveys/service/thanks")


def see_it_in_the_summary(page: Page, number: str) -> None:
    month = Period.of(utcnow())
    page.goto("/staff/summaries/")
    page.get_by_role("link", name=re.compile(re.escape(str(month)))).first.click()
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_contain_text(f"臺中分局　{month.label}摘要")
    expect(main).to_contain_text(TOPIC)
    page.get_by_role("link", name="收到").click()
    expect(page.get_by_role("main")).to_contain_text(number)


def see_it_in_the_trend(page: Page) -> None:
    """The answers of this month are in the secretariat's table, with their n."""
    sign_in(page, "secretary")
    page.goto("/staff/trends/")
    row = page.locator("table").first.locator("tr", has_text=str(Period.of(utcnow())))
    expect(row).to_contain_text("%")
    row.get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text("臺中分局")


def test_the_way_works_without_javascript(open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE, javascript=False)
    number, secret = write_letter(page)
    track(page, number, secret)
    expect(page.get_by_role("main")).to_contain_text("已受理")
