"""Every route, every role: who gets in, who is sent to sign in, who is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from portal import guide
from portal.access import FILES, PERMISSIONS, PUBLIC, Actor, Permission, Role
from tests.factories import make_actor

HOME_UNIT = {
    Role.HANDLER: "standards",
    Role.HEAD: "standards",
    Role.SECRETARIAT: "secretariat",
    Role.ETHICS: "ethics",
    Role.ADMIN: "it",
}


def routes(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FILES]


def declared(app: Flask, rule: Rule) -> object:
    return getattr(app.view_functions[rule.endpoint], "__access__", None)


def url(app: Flask, rule: Rule) -> str:
    """An address of the route; its rows do not exist, which only matters to those who get in."""
    values = {
        name: 1 if "Integer" in type(converter).__name__ else "x"
        for name, converter in rule._converters.items()
    }
    with app.test_request_context():
        address: str = app.url_map.bind("localhost").build(rule.endpoint, values)
    return address


def method(rule: Rule) -> str:
    return "GET" if "GET" in (rule.methods or ()) else "POST"


def is_sign_in(location: str | None) -> bool:
    return location is not None and "/staff/sign-in" in location


def test_every_endpoint_declares_its_access(app: Flask) -> None:
    assert [rule.endpoint for rule in routes(app) if declared(app, rule) is None] == []


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_every_role_is_told_five_things_to_try_each_open_to_it(role: Role, app: Flask) -> None:
    with app.app_context():
        tips = guide.tips_for(role)
    assert len({tip.title for tip in tips}) == 5
    doors = {getattr(app.view_functions[tip.endpoint], "__access__", None) for tip in tips}
    assert doors <= PERMISSIONS[role] | {PUBLIC}


def test_staff_pages_are_never_public(app: Flask) -> None:
    open_pages = {
        rule.endpoint
        for rule in routes(app)
        if rule.rule.startswith("/staff") and declared(app, rule) == PUBLIC
    }
    assert open_pages == {"accounts.sign_in"}


def test_pages_outside_of_staff_are_for_everybody(app: Flask) -> None:
    closed = {
        rule.rule
        for rule in routes(app)
        if not rule.rule.startswith("/staff") and declared(app, rule) != PUBLIC
    }
    assert closed == set()


def test_nobody_signed_in_gets_no_further_than_sign_in(app: Flask, client: FlaskClient) -> None:
    for rule in routes(app):
        if declared(app, rule) == PUBLIC:
            continue
        answer = client.open(url(app, rule), method=method(rule))
        assert answer.status_code == 302, rule
        assert is_sign_in(answer.location), rule


def test_what_was_typed_comes_back_when_the_session_has_ended(client: FlaskClient) -> None:
    answer = client.post("/staff/cases/1/reply", data={"body": "寫了半小時的答復", "csrf_token": "abc"})
    assert answer.status_code == 401
    assert "寫了半小時的答復" in answer.text
    assert "abc" not in answer.text


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_a_role_gets_where_its_permissions_say_and_nowhere_else(
    role: Role, app: Flask, ctx: Flask, sign_in: Callable[[Actor], FlaskClient]
) -> None:
    browser = sign_in(make_actor(role, HOME_UNIT[role]))
    for rule in routes(app):
        allowed = declared(app, rule)
        if rule.endpoint == "accounts.sign_out":
            continue  # ends the session that the other routes need
        answer = browser.open(url(app, rule), method=method(rule))
        refused = answer.status_code == 403 or is_sign_in(answer.location)
        expected = allowed != PUBLIC and allowed not in PERMISSIONS[role]
        assert refused == expected, (role, rule, answer.status_code)
        # /readyz says 503 here, rightly: no job runner is up.
        assert answer.status_code < 500 or rule.endpoint == "pages.readyz", (role, rule)


# What each permission opens, written down once more: a route that changes hands must be changed here too.
DOORS: dict[object, set[str]] = {
    Permission.CASE_APPROVE: {
        "cases.approve",
        "cases.decline",
        "cases.extend",
        "cases.return",
        "faq_desk.withdraw",
    },
    Permission.CALENDAR: {"office_calendar.enter", "office_calendar.import_table", "office_calendar.remove"},
    Permission.CASE_ASSIGN: {"cases.assign"},
    Permission.CASE_DISPATCH: {"cases.dispatch"},
    Permission.CASE_READ: {"cases.contact", "cases.inbox", "cases.show", "files.staff", "search.results"},
    Permission.CASE_REPLY: {
        "cases.accept_transfer",
        "cases.ask_citizen",
        "cases.cancel_transfer",
        "cases.close",
        "cases.confirm_topic",
        "cases.consult",
        "cases.decline_suggestion",
        "cases.interim",
        "cases.judge_urgency",
        "cases.merge",
        "cases.recall",
        "cases.refer",
        "cases.refuse_transfer",
        "cases.reply",
        "cases.save_draft",
        "cases.send",
        "cases.separate",
        "cases.set_voice",
        "cases.stop_waiting",
        "cases.submit",
        "cases.transfer",
        "consultations.drop",
        "consultations.give_opinion",
        "consultations.index",
        "consultations.show",
        "entering.clear",
        "entering.discard",
        "entering.draft",
        "entering.new",
        "entering.receipt",
        "faq_desk.edit",
        "faq_desk.index",
        "faq_desk.new",
        "triage.confirm",
        "triage.desk",
    },
    Permission.DATA_RIGHTS: {
        "data_requests.contact",
        "data_requests.decide",
        "data_requests.extend",
        "data_requests.index",
        "data_requests.preview",
        "data_requests.show",
        "data_requests.verify",
    },
    Permission.RETENTION: {
        "retention.approve",
        "retention.catalogue",
        "retention.index",
        "retention.propose",
        "retention.show",
        "retention.take_out",
        "retention.withdraw",
    },
    Permission.IMPROVE: {"improvements.done", "improvements.new", "issues.dismiss", "issues.improve"},
    Permission.STAFF: {
        "accounts.change_password",
        "accounts.sign_out",
        "models.watch",
        "office_calendar.show",
        "staff_home.show",
    },
    Permission.SUMMARY_READ: {
        "improvements.index",
        "issues.index",
        "issues.show",
        "summaries.index",
        "summaries.show",
    },
    Permission.SURVEY_READ: {"survey_results.comments", "survey_results.index", "survey_results.show"},
    Permission.SYSTEM: {
        "audit.index",
        "models.activate",
        "models.comparison",
        "models.index",
        "models.rollback",
        "models.set_aside",
        "system.show_system",
    },
    Permission.TREND_READ: {"trends.show"},
}


def test_routes_are_behind_the_permission_written_here(app: Flask) -> None:
    found: dict[object, set[str]] = {}
    for rule in routes(app):
        if declared(app, rule) != PUBLIC:
            found.setdefault(declared(app, rule), set()).add(rule.endpoint)
    assert found == DOORS


def test_every_view_has_the_name_by_which_the_csrf_check_asks_for_it(app: Flask) -> None:
    for endpoint, view in app.view_functions.items():
        assert view.__module__, endpoint
        assert view.__name__, endpoint
