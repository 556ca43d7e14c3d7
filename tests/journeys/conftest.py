"""The demonstration as `make run` starts it, and a real browser in front of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from analytics.resources import DATA
from tests import servers
from tests.browser import FLAGS, system_browser
from tests.test_migrations import fresh_url

PLOT = yaml.safe_load((DATA / "bsmi" / "demo" / "story.yaml").read_text(encoding="utf-8"))
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Site:
    """A running demonstration: its address, its folder, and its command line."""

    url: str
    folder: Path
    env: dict[str, str]

    def flask(self, *command: str) -> str:
        return servers.flask(self.env, *command)


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Web server and job runner on a year of demonstration data."""
    folder = tmp_path_factory.mktemp("demo")
    port = servers.free_port()
    env = servers.environment(folder, fresh_url(request, folder))
    command = [sys.executable, "-m", "portal.run", "--port", str(port)]
    with servers.process(command, env, folder / "run.log") as child:
        url = f"http://127.0.0.1:{port}"
        servers.wait_for(f"{url}/healthz", child=child)
        # One address for all: what the pages print is what the browser opens.
        yield Site(url, folder, env | {"QINGTING_BASE_URL": url})


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    path = system_browser() or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.skip("no browser: neither a system Chromium nor Playwright's own (python -m tests.browser)")
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """`open_page(DESK)` → a fresh browser window; faults of script or policy fail the test."""
    contexts, faults = [], []

    def opened(size: dict[str, int], *, javascript: bool = True) -> Page:
        context = chromium.new_context(
            viewport=size, base_url=site.url, java_script_enabled=javascript, locale="zh-TW"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if _is_fault(line.text) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _is_fault(text: str) -> bool:
    return "Content Security Policy" in text or "Uncaught" in text


def sign_in(page: Page, username: str) -> None:
    page.goto("/staff/sign-in")
    page.get_by_label("帳號").fill(username)
    page.get_by_label("密碼").fill(PLOT["password"])
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/staff/")
