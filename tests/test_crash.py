"""A web worker is killed again and again while letters come in: what was acknowledged is kept, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import storm
from tests.test_migrations import fresh_url

SUBMISSIONS, EVERY_SECONDS = 300, 1.5  # 2,000 in the bench


@pytest.mark.processes
@pytest.mark.xdist_group("servers")
def test_nothing_acknowledged_is_lost_or_doubled_when_workers_are_killed(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found = storm(tmp_path, fresh_url(request, tmp_path), submissions=SUBMISSIONS, every=EVERY_SECONDS)
    assert found.killed >= 2
    numbers = sorted(found.acknowledged)
    assert len(set(numbers)) == SUBMISSIONS
    assert sorted(found.stored) == numbers
    assert sorted(found.queued) == numbers
    assert set(found.mailed) == set(numbers)
