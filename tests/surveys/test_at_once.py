"""Two senders at once."""

from __future__ import annotations

import pytest
from flask import Flask

from portal.app import profile
from surveys.models import Answer, Response, SurveyVersion
from surveys.services import Receipt, publish, submit
from surveys.standard import standard_survey
from tests import test_concurrency
from tests.factories import NOW
from tests.surveys.factories import SLUG, publish_standard
from tests.test_concurrency import at_once, count

real = test_concurrency.real
NEEDED = {"service_line": "metrology", "I": 4}


@pytest.mark.parametrize("senders", [4])
def test_one_filling_sent_several_times_at_once_is_kept_once(real: Flask, senders: int) -> None:
    publish_standard()

    def send() -> Receipt:
        return submit(SLUG, NEEDED, source="web", profile=profile(), now=NOW, response_id=7)

    found = at_once(real, [send] * senders)
    assert sorted(item.repeated for item in found if isinstance(item, Receipt)) == [False, True, True, True]
    assert (count(Response), count(Answer)) == (1, 2)


def test_two_set_ups_at_once_publish_one_version(real: Flask) -> None:
    definition = standard_survey(profile())
    at_once(real, [lambda: publish(definition, now=NOW)] * 3)
    assert count(SurveyVersion) == 1
