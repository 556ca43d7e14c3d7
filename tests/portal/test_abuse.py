"""Programs that write in masses are held off by their rate and their haste; nobody solves a puzzle."""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_limiter import Limiter
from pydantic import ValidationError
from werkzeug.test import TestResponse

from feedback.secrets import new_key
from portal import abuse
from portal.app import profile
from portal.profile.parts import Protection
from tests.factories import make_case
from tests.feedback.browsing import cases, track, write

Rules = Callable[..., None]


@pytest.fixture(autouse=True)
def _on(client: FlaskClient, ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Limits as an installation has them, with nothing counted yet."""
    monkeypatch.setitem(ctx.config, "QINGTING", replace(ctx.config["QINGTING"], limits=True))
    abuse.limiter.reset()
    yield
    abuse.limiter.reset()


@pytest.fixture
def rules(ctx: Flask, monkeypatch: pytest.MonkeyPatch) -> Rules:
    """`rules(min_seconds=0)` → the agency's protection says so from now on."""

    def as_said(**values: Any) -> None:
        changed = profile().model_copy(update={"protection": Protection(**values)})
        monkeypatch.setitem(ctx.extensions, "profile", changed)

    as_said(min_seconds=0)
    return as_said


@pytest.fixture
def stamped(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], str]:
    """The stamp of a form that was opened so many seconds ago."""

    def opened(seconds: float) -> str:
        given, present = abuse.stamp(), abuse.opened_at
        monkeypatch.setattr(
            abuse, "opened_at", lambda text: (at := present(text)) and at - timedelta(seconds=seconds)
        )
        return given

    return opened


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test's own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("NO SHARED RATES TESTED: redis-server is not installed")
    path = tmp_path / "redis.sock"
    given = ("--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path))
    server = subprocess.Popen([program, *given], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if path.exists():
                break
            time.sleep(0.05)
        yield f"redis+unix://{path}"
    finally:
        server.terminate()
        server.wait()


def send(client: FlaskClient, address: str = "192.0.2.1", **values: Any) -> TestResponse:
    form = {"subject": "延長線的標識", "body": "請問怎麼看真偽？", "submission_key": new_key()}
    form["opened"] = abuse.stamp()
    return client.post("/feedback/new", data=form | values, environ_overrides={"REMOTE_ADDR": address})


def test_an_address_writes_only_so_many_letters_a_minute(client: FlaskClient, rules: Rules) -> None:
    rules(min_seconds=0, letters="2 per minute")
    assert [send(client).status_code for _ in range(3)] == [303, 303, 429]
    assert send(client, address="192.0.2.2").status_code == 303
    assert cases() == 3


def test_a_letter_over_the_rate_comes_back_as_it_was_typed(client: FlaskClient, rules: Rules) -> None:
    rules(min_seconds=0, letters="1 per minute")
    send(client)
    page = send(client, body="整整寫了一小時的信")
    assert page.status_code == 429
    assert "整整寫了一小時的信" in page.text
    assert "急的話請打電話" in page.text


def test_reading_the_form_is_not_counted(client: FlaskClient, rules: Rules) -> None:
    rules(min_seconds=0, letters="1 per minute")
    assert {client.get("/feedback/new").status_code for _ in range(5)} == {200}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_an_ipv6_household_is_one_sender(
    one: str, other: str, same: bool, client: FlaskClient, rules: Rules
) -> None:
    rules(min_seconds=0, letters="1 per minute")
    send(client, address=one)
    assert send(client, address=other).status_code == (429 if same else 303)


def test_guessing_secrets_is_slowed_whatever_the_letter(client: FlaskClient, rules: Rules) -> None:
    rules(min_seconds=0, lookups="3 per minute")
    numbers = [make_case().number for _ in range(4)]
    assert [track(client, number, "WRONGWRONG12").status_code for number in numbers] == [422, 422, 422, 429]


@pytest.mark.parametrize("address", ["/api/v1/cases", "/api/v1/surveys/none/responses"])
def test_programs_have_a_rate_of_their_own(client: FlaskClient, rules: Rules, address: str) -> None:
    rules(min_seconds=0, programs="1 per minute", letters="1 per minute")
    assert client.post(address, json={}).status_code != 429
    refused = client.post(address, json={})
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert send(client).status_code == 303


def test_a_form_sent_at_once_waits_and_keeps_its_words(client: FlaskClient, rules: Rules) -> None:
    rules(min_seconds=3)
    page = send(client, body="一秒內送出的信")
    assert page.status_code == 422
    assert "請等 3 秒" in page.text
    assert "一秒內送出的信" in page.text
    assert cases() == 0


def test_a_form_filled_in_by_a_person_is_not_held_up(
    client: FlaskClient, rules: Rules, stamped: Callable[[float], str]
) -> None:
    rules(min_seconds=3)
    assert send(client, opened=stamped(4)).status_code == 303


@pytest.mark.parametrize("opened", ["", "form.forged.signature", "form", "\x00"])
def test_a_moment_that_the_server_did_not_sign_counts_as_now(
    client: FlaskClient, rules: Rules, opened: str, stamped: Callable[[float], str]
) -> None:
    rules(min_seconds=3)
    page = send(client, opened=opened)
    assert page.status_code == 422
    fresh = re.search(r'name="opened" type="hidden" value="([^"]+)"', page.text)
    assert fresh
    assert fresh[1] != opened  # the next try is judged by a moment of ours
    stamped(4)
    assert send(client, opened=fresh[1]).status_code == 303


def test_without_the_work_asked_for_a_letter_waits_longer(
    client: FlaskClient, rules: Rules, stamped: Callable[[float], str]
) -> None:
    rules(min_seconds=3, proof_bits=8)
    opened, key = stamped(5), new_key()
    assert "請等 20 秒" in send(client, opened=opened, submission_key=key).text
    assert send(client, opened=opened, submission_key=key, proof=worked_out(key, 8)).status_code == 303


def test_a_letter_without_the_work_is_taken_in_after_the_wait(
    client: FlaskClient, rules: Rules, stamped: Callable[[float], str]
) -> None:
    rules(min_seconds=3, proof_bits=20)
    assert send(client, opened=stamped(21)).status_code == 303


def test_the_work_for_one_letter_is_none_for_another() -> None:
    key = new_key()
    proof = worked_out(key, 12)
    assert abuse.is_worked_out(key, proof, 12)
    others = [abuse.is_worked_out(new_key(), proof, 12) for _ in range(20)]
    assert sum(others) < 2


def test_an_unknown_rate_is_refused_when_the_profile_is_read() -> None:
    with pytest.raises(ValidationError):
        Protection(letters="often")


def test_where_limits_are_off_nothing_is_counted(
    client: FlaskClient, ctx: Flask, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(min_seconds=3, letters="1 per minute")
    monkeypatch.setitem(ctx.config, "QINGTING", replace(ctx.config["QINGTING"], limits=False))
    assert {write(client).status_code for _ in range(3)} == {303}


def process(ctx: Flask, redis_url: str) -> FlaskClient:
    """One of an installation's processes, with counters of its own, or in Redis."""
    made, counters = Flask("process"), Limiter(key_func=abuse.sender)
    made.config.update(abuse.settings(replace(ctx.config["QINGTING"], redis_url=redis_url)))
    counters.init_app(made)
    made.add_url_rule("/", view_func=counters.limit("2 per minute")(lambda: "taken in"))
    return made.test_client()


def test_all_processes_count_together_through_redis(ctx: Flask, redis_url: str) -> None:
    assert [process(ctx, redis_url).get("/").status_code for _ in range(3)] == [200, 200, 429]


def test_each_process_counts_for_itself_while_redis_is_away(ctx: Flask) -> None:
    one = process(ctx, "redis://127.0.0.1:1/0")
    assert [one.get("/").status_code for _ in range(3)] == [200, 200, 429]


def worked_out(key: str, bits: int) -> str:
    """What a browser does: try until the digest begins with so many zero bits."""
    for number in itertools.count():
        digest = hashlib.sha256(f"{key}:{number}".encode()).digest()
        if int.from_bytes(digest) >> (256 - bits) == 0:
            return str(number)
    raise AssertionError
