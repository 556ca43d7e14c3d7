"""Letters by channel, wherever letters are counted; each figure leads to its letters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from analytics.models import UnitSummary
from analytics.queries import channel_counts
from analytics.resources import Resources
from analytics.services.summaries import write_summary
from portal.access import Actor, Role
from portal.app import profile
from portal.clock import Period
from portal.db import transaction
from tests.factories import NOW, make_actor, make_case, unit

SignIn = Callable[[Actor], FlaskClient]
MONTH = Period.of(NOW)


@pytest.fixture(autouse=True)
def _clock(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.views.trends.utcnow", lambda: NOW)


def some_letters() -> None:
    for channel in ("web", "web", "phone"):
        make_case(unit_code="standards", channel=channel)
    make_case(unit_code="it", channel="fax")
    make_case(hint="IN-ETHIC", channel="counter")


def test_letters_are_counted_by_channel_without_the_restricted() -> None:
    some_letters()
    assert channel_counts(MONTH) == {"web": 2, "phone": 1, "fax": 1}
    assert channel_counts(MONTH, unit("standards").id) == {"web": 2, "phone": 1}
    assert channel_counts(MONTH, unit("ethics").id) == {}
    assert channel_counts(MONTH.previous()) == {}


def test_the_inbox_can_be_narrowed_to_a_channel(sign_in: SignIn) -> None:
    called, wrote = (make_case(unit_code="standards", channel=channel) for channel in ("phone", "web"))
    page = sign_in(make_actor()).get("/staff/cases/?channel=phone").text
    assert called.number in page
    assert wrote.number not in page


def test_the_trends_page_counts_channels_month_by_month(sign_in: SignIn) -> None:
    some_letters()
    page = sign_in(make_actor(Role.SECRETARIAT, "secretariat")).get("/staff/trends/").text
    table = page.partition("各月收到的來信，依管道")[2].partition("</table>")[0]
    assert all(name in table for name in ("網站", "電話", "傳真", "合計 n"))
    assert "臨櫃" not in table
    assert "channel=phone" in table
    assert ">4</a>" in table


def test_a_units_summary_tells_its_channels_which_add_up(resources: Resources, sign_in: SignIn) -> None:
    some_letters()
    written = write_summary(unit("standards"), MONTH, profile=profile(), now=NOW)
    assert written is not None
    channels = written.figures["channels"]
    assert [(item["name"], item["count"]) for item in channels] == [("網站", 2), ("電話", 1)]
    assert sum(item["count"] for item in channels) == written.figures["letters"]["received"]
    page = sign_in(make_actor()).get(f"/staff/summaries/{written.id}").text
    assert "channel=phone" in page


def test_a_summary_written_before_there_were_channels_is_shown(resources: Resources, sign_in: SignIn) -> None:
    some_letters()
    written = write_summary(unit("standards"), MONTH, profile=profile(), now=NOW)
    assert written is not None
    with transaction() as session:
        old = session.get_one(UnitSummary, written.id)
        old.figures = {key: value for key, value in old.figures.items() if key != "channels"}
    answer = sign_in(make_actor()).get(f"/staff/summaries/{written.id}")
    assert answer.status_code == 200
    assert "來信管道" not in answer.text
