"""Surveys that anybody can answer without an account."""

from __future__ import annotations

from flask import Flask

from portal import guide, nav
from portal.access import Permission, Role
from portal.app import csrf, profile
from portal.cli import add_set_up
from portal.clock import utcnow
from portal.guide import Doorway, Tip
from portal.nav import Entry
from surveys import models as models
from surveys.services import publish
from surveys.standard import standard_survey
from surveys.views.api import api, describe
from surveys.views.public import surveys
from surveys.views.staff import survey_results


def init_app(app: Flask) -> None:
    for blueprint in (surveys, survey_results, api):
        app.register_blueprint(blueprint)
    csrf.exempt(api)
    describe(app)
    add_set_up(app, publish_standard)
    guide.add_doorways(
        app,
        Doorway(
            "填寫滿意度調查", "洽辦過我們的服務嗎？花 3 分鐘告訴我們您的感受，不必留下姓名。",
            "surveys.show", "clipboard-check", "開始填寫", order=30,
            values=(("slug", app.extensions["profile"].satisfaction.slug),),
        ),
    )  # fmt: skip
    nav.add(
        app,
        Entry("填寫滿意度調查", "surveys.index", "clipboard-check", order=30),
        Entry("滿意度調查", "survey_results.index", "clipboard-data", Permission.SURVEY_READ, 45),
    )
    guide.add_tips(app, *_tips())


def publish_standard() -> None:
    """Bring the standard survey in step with the profile; a part of `flask setup`."""
    publish(standard_survey(profile()), now=utcnow())


def _tips() -> list[Tip]:
    return [
        Tip(
            frozenset({Role.HANDLER, Role.HEAD, Role.ETHICS}), "看民眾怎麼評貴單位",
            "滿意度調查列出貴單位每一項的滿意比率、有效樣本數，以及民眾寫下的話。",
            "survey_results.index", 30,
        ),
        Tip(
            frozenset({Role.SECRETARIAT}), "印一張問卷海報放在櫃台",
            "選單位後列印 A4 海報；民眾用手機掃描 QR 碼就能填寫，不必安裝程式。",
            "survey_results.index", 30,
        ),
    ]  # fmt: skip
