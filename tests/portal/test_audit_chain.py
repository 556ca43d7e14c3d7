"""The stored trail: nothing in it can be changed, and whatever is changed all the same is found."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from feedback.services.acting import ACTIONS as CASE_ACTIONS
from portal.access import Actor, Role
from portal.audit import AuditEvent, record, services, words
from portal.audit.chain import BrokenChain
from portal.audit.events import AuditHead
from portal.audit.part import end_check
from portal.db import db, transaction
from portal.errors import BadInput
from tests.factories import NOW, answered_case, make_actor, make_case
from tests.servers import ROOT
from tests.test_concurrency import at_once, real

__all__ = ["real"]  # the fixture

SignIn = Callable[[Actor], FlaskClient]


def note(action: str = "test.done", **detail: object) -> None:
    with transaction() as session:
        record(session, action, "test", "1", actor_id=None, now=NOW, **detail)


def events() -> list[AuditEvent]:
    return list(db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)))


def unguarded(statement: str) -> None:
    """What somebody does who has the database file or its owner's password: without the triggers."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        for act in ("update", "delete"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS audit_events_no_{act}"))
    else:
        connection.execute(sa.text("ALTER TABLE audit_events DISABLE TRIGGER audit_events_no_change"))
    connection.execute(sa.text(statement))


# Writing


def test_each_act_names_the_one_before_and_the_head_names_the_last(ctx: Flask) -> None:
    note()
    note(topic="ST-CNS")
    first, second = events()[-2:]
    head = db.session.execute(sa.select(AuditHead.hash)).scalar_one()
    assert (second.previous, head) == (first.hash, second.hash)


def test_an_act_that_is_undone_leaves_no_link(ctx: Flask) -> None:
    before = len(events())

    def fails() -> None:
        with transaction() as session:
            record(session, "test.done", "test", "1", actor_id=None, now=NOW)
            raise BadInput("no")

    with pytest.raises(BadInput):
        fails()
    assert len(events()) == before


def test_acts_are_noted_inside_a_transaction_only(ctx: Flask) -> None:
    with pytest.raises(RuntimeError):
        record(db.session(), "test.done", "test", "1", actor_id=None, now=NOW)


def test_many_people_at_once_make_one_chain_without_a_gap(real: Flask) -> None:
    at_once(real, [note for _ in range(40)])
    db.session.rollback()
    assert len(events()) == 40
    assert services.verify(now=NOW).count == 40


# Changing


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'x'",
        "DELETE FROM audit_events",
        "UPDATE audit_events SET actor_id = 7 WHERE id = (SELECT max(id) FROM audit_events)",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_event(ctx: Flask, statement: str) -> None:
    note()
    with pytest.raises(DBAPIError, match="audit events cannot be changed"), db.session.begin_nested():
        db.session.execute(sa.text(statement))
    assert services.verify(now=NOW).count == len(events()) - 1  # the walk is noted itself


def test_the_application_refuses_too(ctx: Flask) -> None:
    note()
    last = events()[-1]
    last.action = "test.undone"
    with pytest.raises(RuntimeError, match="never change"):
        db.session.flush()
    db.session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'test.other' WHERE id = {middle}",
        "UPDATE audit_events SET at = '2020-01-01 00:00:00' WHERE id = {middle}",
        "UPDATE audit_events SET actor_id = 7 WHERE id = {middle}",
        "DELETE FROM audit_events WHERE id = {middle}",
        "DELETE FROM audit_events WHERE id = {last}",
        "DELETE FROM audit_events",
    ],
)
def test_whatever_was_done_behind_its_back_is_found(ctx: Flask, statement: str) -> None:
    for _ in range(3):
        note()
    middle, last = (event.id for event in events()[-2:])
    unguarded(statement.format(middle=middle, last=last))
    db.session.expire_all()
    with pytest.raises(BrokenChain):
        services.verify(now=NOW)


def test_a_cut_end_is_seen_without_the_whole_walk(ctx: Flask) -> None:
    note()
    assert end_check(NOW).ok
    unguarded("DELETE FROM audit_events WHERE id = (SELECT max(id) FROM audit_events)")
    assert not end_check(NOW).ok


# Out of the database


def test_an_exported_chain_is_checked_without_the_database(ctx: Flask, tmp_path: Path) -> None:
    note()
    out = tmp_path / "audit.jsonl"
    end = services.export(out, now=NOW)
    assert services.verify_file(out, anchor=end.hash).count == end.count == len(events())
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("test.done", "test.gone", 1),
        lambda text: "\n".join(text.splitlines()[1:]) + "\n",
        lambda text: "\n".join(text.splitlines()[:-1]) + "\n",
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "not an export\n",
    ],
)
def test_a_spoilt_export_is_refused(ctx: Flask, tmp_path: Path, spoil: Callable[[str], str]) -> None:
    for _ in range(3):
        note()
    out = tmp_path / "audit.jsonl"
    services.export(out, now=NOW)
    out.write_text(spoil(out.read_text()))
    with pytest.raises((BrokenChain, BadInput)):
        services.verify_file(out)


def test_an_export_never_overwrites(ctx: Flask, tmp_path: Path) -> None:
    out = tmp_path / "audit.jsonl"
    out.write_text("earlier")
    with pytest.raises(BadInput, match="已經存在"):
        services.export(out, now=NOW)
    assert out.read_text() == "earlier"


def test_the_command_line_says_where_the_chain_breaks(ctx: Flask, tmp_path: Path) -> None:
    note()
    run = ctx.test_cli_runner().invoke
    out = tmp_path / "audit.jsonl"
    assert run(args=["audit", "export", str(out)]).exit_code == 0
    assert "稽核紀錄完整" in run(args=["audit", "verify"]).output
    assert "稽核紀錄完整" in run(args=["audit", "verify", str(out)]).output
    out.write_text(out.read_text().replace("test.done", "test.gone", 1))
    broken = run(args=["audit", "verify", str(out)])
    assert broken.exit_code == 1
    assert "第一筆不符的是" in broken.output
    assert run(args=["audit", "verify", "--head", "abc"]).exit_code == 2


# The page


def test_an_administrator_reads_what_was_done_in_words(sign_in: SignIn) -> None:
    case = answered_case(make_actor(name="林怡君"))
    page = sign_in(make_actor(Role.ADMIN, "it")).get("/staff/audit/").text
    assert "答復來信" in page
    assert f"信件 {case.number}" in page
    assert "林怡君" in page


@pytest.mark.parametrize("address", ["/staff/audit/", "/staff/audit/?object={number}"])
def test_events_of_a_protected_letter_are_on_no_page(sign_in: SignIn, address: str) -> None:
    hidden = make_case(hint="IN-ETHIC")
    page = sign_in(make_actor(Role.ADMIN, "it")).get(address.format(number=hidden.number)).text
    assert f"信件 {hidden.number}" not in page


@pytest.mark.parametrize(
    "query", ["after=x", "before=-1", "day=31", "person=abc", "action=no.such", "after=9" * 30]
)
def test_odd_addresses_are_no_error(sign_in: SignIn, query: str) -> None:
    assert sign_in(make_actor(Role.ADMIN, "it")).get(f"/staff/audit/?{query}").status_code == 200


def test_pages_lead_through_all_events(sign_in: SignIn) -> None:
    for _ in range(60):
        note()
    browser = sign_in(make_actor(Role.ADMIN, "it"))
    page = browser.get("/staff/audit/?action=test.done").text
    following = re.search(r'href="([^"]*after=\d+[^"]*)"', page)
    assert following
    rest = browser.get(following[1].replace("&amp;", "&")).text
    shown = [text.count("<td") for text in (page, rest)]
    assert min(shown) > 0
    assert sum(shown) == 60 * 4  # what, on what, who, detail


# Words


def recorded() -> set[str]:
    """Every action that the code base notes: by `record`, and as a step of a letter."""
    found = set(CASE_ACTIONS.values()) - {"case.received", "case.suggested", "case.rated"}
    for package in ("portal", "feedback", "surveys", "analytics"):
        for path in (ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(call, ast.Call)
                    and getattr(call.func, "id", "") == "record"
                    and len(call.args) > 1
                ):
                    action = call.args[1]
                    if isinstance(action, ast.Constant):
                        found.add(action.value)
    return found


def test_every_action_that_is_noted_has_a_word() -> None:
    assert recorded() - words.ACTIONS.keys() == set()
