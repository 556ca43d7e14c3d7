"""Every page, at phone and desk width: readable, labelled, within the screen, without axe's complaints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.resources import files

import pytest
from flask import Flask
from playwright.sync_api import Page

from portal.access import FILES
from tests.journeys.conftest import DESK, PHONE, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ANYBODY = (
    "/",
    "/faq/",
    "/faq/1",
    "/feedback/new",
    "/feedback/track",
    "/feedback/receipt",
    "/feedback/secret/any",
    "/surveys/",
    "/surveys/service",
    "/surveys/service/thanks",
    "/surveys/service/poster",
    "/sitemap",
    "/privacy",
    "/privacy/request",
    "/privacy/request/receipt",
    "/privacy/request/follow",
    "/accessibility",
    "/staff/sign-in",
    "/no-such-page",
)
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LINK = re.compile(r'href="(/staff/[^"#?]*)')
ENTRY = re.compile(r"<int\(max=\d+\):entry_id>")
ROW = re.compile(r"/\d+(?=/|$)")

looked_at: set[tuple[int, str]] = set()


def check(page: Page, where: str, kind: str = "") -> None:
    """What holds on every page, errors included. Pages of one `kind` share a template."""
    faults = page.evaluate(
        """() => {
          const out = [];
          if (document.documentElement.lang !== 'zh-Hant-TW') out.push('language');
          for (const role of ['header', 'main', 'footer']) if (!document.querySelector(role)) out.push(role);
          if (document.querySelectorAll('h1').length !== 1) out.push('one h1');
          const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
          if (wide > 0) {
            const over = [...document.querySelectorAll('body *')]
              .filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth)
              .map((node) => `${node.tagName}.${node.className}: ${node.textContent.trim().slice(0, 30)}`);
            out.push(`${wide} px too wide at ${innerWidth}`, ...over.slice(-5));
          }
          for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
            const label = field.id && document.querySelector(`label[for="${field.id}"]`);
            if (!label) out.push(`label of ${field.name}`);
          }
          for (const set of document.querySelectorAll('fieldset')) {
            if (set.firstElementChild?.tagName !== 'LEGEND') out.push('legend first');
          }
          for (const head of document.querySelectorAll('th')) if (!head.scope) out.push('th scope');
          if (document.querySelector('[style]')) out.push('inline style');
          return out;
        }"""
    )
    assert faults == [], (where, faults)
    size = page.viewport_size["width"] if page.viewport_size else 0
    if (size, kind or where) not in looked_at:  # axe takes most of the time, and once a template is enough
        looked_at.add((size, kind or where))
        run_axe(page, where)


def run_axe(page: Page, where: str) -> None:
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    broken = [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in found["violations"]]
    assert broken == [], (where, broken)


def staff_pages(page: Page) -> Iterator[str]:
    """Every kind of staff page that links lead to; of many rows of one kind, the first two."""
    waiting, seen, kinds = ["/staff/"], {"/staff/"}, Counter[str]()
    while waiting:
        path = waiting.pop(0)
        yield path
        for link in LINK.findall(page.content()):
            kind = ROW.sub("/*", link)
            if link not in seen and kinds[kind] < 2:
                seen.add(link)
                kinds[kind] += 1
                waiting.append(link)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_public_pages(size: dict[str, int], open_page: Callable[..., Page]) -> None:
    page = open_page(size)
    titles: Counter[str] = Counter()
    for path in ANYBODY:
        page.goto(path)
        check(page, path)
        titles[page.title()] += 1
    assert [title for title, count in titles.items() if count > 1] == []


@pytest.mark.parametrize("username", ["staff", "head", "secretary", "ethics", "admin"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_staff_pages(size: dict[str, int], username: str, open_page: Callable[..., Page]) -> None:
    page = open_page(size)
    sign_in(page, username)
    visited = 0
    for path in staff_pages(page):
        answer = page.goto(path)
        assert answer is not None
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert answer.status == 200, (username, path, answer.status)
            check(page, f"{username} {path}", ROW.sub("/*", path))
            visited += 1
    assert visited >= 3


@pytest.mark.parametrize(
    ("path", "heading"), [("/feedback/new", "請修正以下"), ("/surveys/service", "請修正以下")]
)
def test_a_refused_form_says_what_to_correct(path: str, heading: str, open_page: Callable[..., Page]) -> None:
    page = open_page(PHONE)
    page.goto(path)
    page.locator("main form button[type=submit]").first.click()
    page.get_by_role("alert").get_by_text(heading).wait_for()
    check(page, f"{path} refused")


def test_every_public_page_of_the_map_is_looked_at(app: Flask) -> None:
    """A new public page must be added to the list above."""
    plain = {
        ENTRY.sub("1", rule.rule).replace("<slug>", "service").replace("<token>", "any")
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint not in FILES
        and not rule.rule.startswith(("/staff/", "/api/"))
    }
    machines = {"/healthz", "/readyz"}
    per_letter = {rule for rule in plain if "<number>" in rule}
    assert plain - machines - per_letter - set(ANYBODY) == set()
