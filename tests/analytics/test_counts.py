"""What figures make of letters that were merged, that left, and whose writers are protected."""

from __future__ import annotations

import pytest

from analytics.issue_queries import people_of, sender
from analytics.queries import letter_counts
from feedback.models import Case, Contact
from feedback.states import Status
from portal.clock import Period
from tests.factories import NOW, unit
from tests.feedback.ways import bring_to

NOV = Period(2026, 11)


@pytest.mark.usefixtures("ctx")
def test_merged_letters_stay_letters_and_are_told_apart_from_matters() -> None:
    bring_to(Status.MERGED)  # with the letter that it was merged into
    counts = letter_counts(unit("standards").id, NOV, NOW)
    assert (counts.received, counts.merged, counts.open) == (2, 1, 1)


@pytest.mark.usefixtures("ctx")
@pytest.mark.parametrize("status", [Status.DECLINED, Status.REFERRED, Status.WITHDRAWN])
def test_a_letter_that_left_without_an_answer_is_counted_as_such_and_waits_no_more(status: Status) -> None:
    bring_to(status)
    counts = letter_counts(unit("standards").id, NOV, NOW)
    assert (counts.received, counts.left, counts.answered, counts.open) == (1, 1, 0, 0)


def written_by(email: str, **values: object) -> Case:
    return Case(subject="磅秤不準", contact=Contact(name="", phone="", email=email), **values)


def test_a_protected_writer_is_never_told_apart() -> None:
    assert sender(written_by("chen@example.com", confidential=False)) == ("email", "chen@example.com")
    protected = [
        written_by("chen@example.com", confidential=True),
        written_by("lin@example.com", confidential=True),
    ]
    assert [sender(case) for case in protected] == [None, None]
    assert people_of(protected) == 1  # as two unsigned copies of one text
