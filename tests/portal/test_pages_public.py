"""The pages of the shell, and what every page of the platform keeps to."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal import errors, guide, health
from portal.access import Actor, Role
from portal.accounts.models import User
from portal.app import profile
from portal.db import db, transaction
from portal.instance import DEMO, MODE, set_fact
from portal.profile import PROFILES, load_profile
from portal.urls import for_mail, site_url
from tests.factories import NOW, answered_case, make_actor

SECRET = "0123ABCD4567"
PUBLIC = [
    "/",
    "/sitemap",
    "/privacy",
    "/accessibility",
    "/feedback/new",
    "/feedback/receipt",
    "/feedback/track",
    "/staff/sign-in",
]
LINK = re.compile(r'<a [^>]*href="([^"]*)"')
ID = re.compile(r'\bid="([^"]*)"')
HEADING = re.compile(r"<h([1-6])[ >]")


@pytest.fixture
def pages(client: FlaskClient) -> dict[str, str]:
    """Every public page, those behind a secret and a refused form included."""
    found = {path: client.get(path).text for path in PUBLIC}
    client.post("/feedback/new", data={"subject": "主旨", "body": "內容"})
    found["receipt"] = client.get("/feedback/receipt").text
    case = answered_case(make_actor(), secret=SECRET)
    client.post("/feedback/track", data={"number": case.number, "secret": SECRET})
    found["letter"] = client.get(f"/feedback/track/{case.number}").text
    found["opened"] = client.get("/feedback/track").text
    found["refused letter"] = client.post("/feedback/new", data={"subject": ""}).text
    found["refused track"] = client.post("/feedback/track", data={}).text
    found["refused rating"] = client.post(f"/feedback/track/{case.number}/rating", data={}).text
    found["refused sign-in"] = client.post("/staff/sign-in", data={}).text
    found["unknown"] = client.get("/nothing-here").text
    return found


def test_every_page_says_its_language_and_has_a_title_of_its_own(pages: dict[str, str]) -> None:
    titles = [re.findall("<title>(.*?)</title>", page) for page in pages.values()]
    assert all('<html lang="zh-Hant-TW">' in page for page in pages.values())
    assert all(len(found) == 1 for found in titles)
    plain = [titles[place][0] for place, name in enumerate(pages) if name in PUBLIC]
    assert len(set(plain)) == len(plain)


def test_every_page_has_one_first_heading_and_skips_no_level(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        levels = [int(level) for level in HEADING.findall(page)]
        assert levels.count(1) == 1, name
        assert all(now <= before + 1 for before, now in pairwise(levels)), name


def test_every_page_but_home_says_where_it_is(pages: dict[str, str]) -> None:
    without = [name for name, page in pages.items() if 'class="crumbs"' not in page]
    assert without == ["/", "unknown"]


def test_no_page_holds_inline_script_or_style(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert not re.search(r"<style|\bstyle=|<script(?![^>]*\bsrc=)|\bon\w+=\"", page), name


def test_no_page_loads_anything_from_elsewhere(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert not re.search(r'(?:src|<link[^>]*href)="(?:https?:)?//', page), name


def test_ids_are_given_once(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        ids = ID.findall(page)
        assert sorted(set(ids)) == sorted(ids), name


def test_every_field_has_a_label(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        labelled = set(re.findall(r'<label[^>]*\bfor="([^"]*)"', page))
        tags = re.findall(r"<(?:input|select|textarea)\b[^>]*>", page)
        fields = [tag for tag in tags if 'type="hidden"' not in tag]
        assert all(set(ID.findall(tag)) & labelled for tag in fields), name


def test_every_form_that_posts_has_a_token(ctx: Flask) -> None:
    browser = ctx.test_client()
    for path in PUBLIC:
        for form in re.findall(r'<form[^>]*method="post".*?</form>', browser.get(path).text, re.DOTALL):
            assert 'name="csrf_token"' in form, path


def test_every_link_of_a_public_page_leads_somewhere(client: FlaskClient, pages: dict[str, str]) -> None:
    ours = {
        html.unescape(url) for page in pages.values() for url in LINK.findall(page) if url.startswith("/")
    }
    ours = {url for url in ours if not url.startswith("/surveys/")}  # a survey exists once it is published
    broken = {url: code for url in ours if (code := client.get(url).status_code) not in {200, 302}}
    assert broken == {}


def test_every_anchor_of_a_page_exists_on_it(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        targets = {url[1:] for url in LINK.findall(page) if url.startswith("#")}
        assert targets <= set(ID.findall(page)), name


def test_home_offers_every_doorway_and_says_how_it_goes(client: FlaskClient, ctx: Flask) -> None:
    page = client.get("/").text
    assert all(door.title in page for door in guide.doorways())
    assert profile().name in page
    assert str(profile().deadlines.reply.days) in page
    assert profile().phone in page


def test_the_site_map_lists_pages_and_access_keys(client: FlaskClient) -> None:
    page = client.get("/sitemap").text
    assert all(f'href="{path}"' in page for path in PUBLIC if path not in {"/sitemap", "/feedback/receipt"})
    assert ":::" in page
    assert all(f"<dt>{key}</dt>" in page for key in "UCB")
    assert all(f'accesskey="{key}"' in page for key in "UCB")


def test_privacy_names_the_six_items_and_the_cookie(client: FlaskClient) -> None:
    page = html.unescape(client.get("/privacy").text)
    notice = profile().privacy
    for item in (notice.agency, notice.purpose, notice.categories, notice.use, notice.rights, notice.refusal):
        assert item in page
    assert "Cookie" in page


def test_the_accessibility_statement_also_says_what_is_missing(client: FlaskClient) -> None:
    page = client.get("/accessibility").text
    assert "115.11" in page
    assert "還不夠好的地方" in page
    assert profile().phone in page


def test_another_agencys_pages_name_that_agency_only(
    client: FlaskClient, ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ctx.extensions, "profile", load_profile(PROFILES / "example-library.yaml"))
    for path in PUBLIC:
        page = client.get(path).text
        assert "示範市立圖書館" in page
        assert not re.search("標準檢驗局|標準局|度量衡", page), path


@pytest.mark.parametrize("role", list(Role))
def test_the_start_page_greets_and_gives_first_steps(
    sign_in: Callable[[Actor], FlaskClient], ctx: Flask, role: Role
) -> None:
    actor = make_actor(role, name="陳小華")
    page = sign_in(actor).get("/staff/").text
    assert "陳小華" in page
    assert profile().role_name(role.value) in page
    assert all(html.escape(tip.title) in page for tip in guide.tips_for(role))


def test_a_wrong_password_is_said_and_the_account_name_stays(client: FlaskClient) -> None:
    answer = client.post("/staff/sign-in", data={"username": "lin", "password": "wrong password 1"})
    assert answer.status_code == 422
    assert "帳號或密碼不正確" in answer.text
    assert 'value="lin"' in answer.text
    assert "wrong password 1" not in answer.text


@pytest.mark.parametrize("name", ["\x00", "長" * 65, "   ", ""])
def test_an_account_name_that_cannot_be_one_is_refused(client: FlaskClient, name: str) -> None:
    assert client.post("/staff/sign-in", data={"username": name, "password": "x" * 12}).status_code == 422


def test_a_first_password_must_be_changed_before_anything_else(
    sign_in: Callable[[Actor], FlaskClient], ctx: Flask
) -> None:
    actor = make_actor()
    with transaction():
        db.session.get_one(User, actor.id).must_change_password = True
    browser = sign_in(actor)
    assert urlsplit(browser.get("/staff/").location).path == "/staff/password"
    assert "第一次登入" in browser.get("/staff/password").text


def test_an_unknown_page_is_a_page_with_a_way_on(client: FlaskClient) -> None:
    answer = client.get("/nothing-here")
    assert answer.status_code == 404
    assert 'href="/"' in answer.text


def test_draining_stops_at_its_limit(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "DRAIN_BYTES", 1000)
    body = io.BytesIO(b"a" * 5000)
    with ctx.test_request_context("/", method="POST", input_stream=body, content_length=5000):
        errors.drain()
    assert body.tell() == 1000


def test_a_browser_that_leaves_while_draining_is_no_error(ctx: Flask) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    with ctx.test_request_context("/", method="POST", input_stream=Gone(), content_length=5):
        errors.drain()


# Where this installation is reached from outside


def without_address(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "QINGTING", replace(app.config["QINGTING"], base_url=""))


def findings(*, advice: bool) -> dict[str, bool]:
    return {check.name: check.ok for check in health.run_all(NOW, advice=advice)}


def test_a_missing_address_is_advice_to_the_operator_and_no_reason_to_be_down(
    client: FlaskClient, ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(advice=True)["base_url"]
    without_address(ctx, monkeypatch)
    assert not findings(advice=True)["base_url"]
    assert "QINGTING_BASE_URL" in health.base_url().message
    assert "base_url" not in findings(advice=False)
    assert "base_url" not in client.get("/readyz").json["checks"]


def test_a_demonstration_needs_no_address(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    without_address(ctx, monkeypatch)
    with transaction() as session:
        set_fact(session, MODE, DEMO)
    assert findings(advice=True)["base_url"]


def test_pages_may_name_the_requests_address_and_mail_may_not(
    ctx: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_address(ctx, monkeypatch)
    with ctx.test_request_context("/", base_url="https://evil.test"):
        assert site_url() == "https://evil.test"
        assert for_mail(site_url()) == ""
    monkeypatch.undo()
    with ctx.test_request_context("/", base_url="https://evil.test"):
        assert site_url() == for_mail(site_url()) == "https://mailbox.test"
        assert for_mail("https://evil.test") == ""
