"""Two runners that fetch one mailbox, two clerks with one draft: each thing happens once."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from feedback.channel_models import CaseIntake, IntakeDraft
from feedback.mail_reading import read_mail
from feedback.models import Case
from feedback.secrets import derive_secret, new_key
from feedback.services import entering, mailin, secret_links
from feedback.services.intake import Receipt
from portal.app import profile
from portal.db import db
from portal.errors import NotFound
from portal.outbox import OutboxMessage
from tests import test_concurrency
from tests.factories import NOW, SIGNING_KEY, SITE, letter, make_actor
from tests.feedback.mailing import mail, raw
from tests.test_concurrency import at_once, count

real = test_concurrency.real
RUNNERS = 4


def test_of_runners_that_meet_at_one_mail_one_takes_it(real: Flask) -> None:
    found = read_mail(raw(mail()))
    outcomes = at_once(
        real, [lambda: mailin.take_in(found, profile=profile(), site_url=SITE, now=NOW)] * RUNNERS
    )
    assert sum(item is not None for item in outcomes) == 1
    assert (count(Case), count(OutboxMessage)) == (1, 1)


def test_mails_with_one_id_and_other_words_are_all_taken_whoever_is_first(real: Flask) -> None:
    mails = [read_mail(raw(mail(text, Message_ID="<same@form.test>"))) for text in ("一", "二")] * 2
    at_once(
        real,
        [lambda one=one: mailin.take_in(one, profile=profile(), site_url=SITE, now=NOW) for one in mails],
    )
    db.session.rollback()
    assert sorted(db.session.scalars(sa.select(Case.body))) == ["一", "二"]


def test_of_clerks_who_register_one_draft_at_once_one_is_told_so(real: Flask) -> None:
    clerks = [make_actor() for _ in range(RUNNERS)]
    draft = entering.save_draft({"subject": "半句"}, by=clerks[0], now=NOW)

    def register(by):  # type: ignore[no-untyped-def]
        key = new_key()
        return entering.enter(
            letter(channel="fax"), entering.Facts(received_at=NOW, draft_id=draft.id), by=by,
            profile=profile(), secret=derive_secret(SIGNING_KEY, key), key=key, site_url=SITE, now=NOW,
        )  # fmt: skip

    outcomes = at_once(real, [lambda by=by: register(by) for by in clerks])
    assert sum(isinstance(item, Receipt) for item in outcomes) == 1
    assert sum(isinstance(item, entering.DraftGone) for item in outcomes) == RUNNERS - 1
    assert (count(Case), count(CaseIntake), count(IntakeDraft)) == (1, 1, 0)


def test_a_link_pressed_several_times_at_once_gives_one_secret(real: Flask) -> None:
    found = read_mail(raw(mail()))
    mailin.take_in(found, profile=profile(), site_url=SITE, now=NOW)
    body = db.session.scalars(sa.select(OutboxMessage.body)).one()
    token = body.partition("/feedback/secret/")[2].split()[0]
    outcomes = at_once(real, [lambda: secret_links.redeem(token, now=NOW)] * RUNNERS)
    assert sum(isinstance(item, Receipt) for item in outcomes) == 1
    assert sum(isinstance(item, NotFound) for item in outcomes) == RUNNERS - 1
