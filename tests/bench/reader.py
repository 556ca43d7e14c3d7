"""One process that reads letters: how long the model takes to load, one letter at a time, and its memory.

`python -m tests.bench.reader CORPUS` prints it as JSON; the instance comes from the environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

import psutil

from analytics.model_store import load
from analytics.resources import active_model, resources
from tests.bench.figures import middle_and_p95
from tests.bench.letters import short_letters
from tests.bench.processes import resident_mb
from wsgi import create_app

LETTERS = 1_000


def main(corpus_folder: str) -> None:
    texts = short_letters(Path(corpus_folder), LETTERS)
    with create_app().app_context():
        found = active_model()
        assert found is not None, "no active model"
        begun = process_time()
        resources().prepare_text()
        model = load(found[0], expected_sha256=found[1])
        loaded = process_time() - begun
    model.predict(texts[:1])
    times = []
    for text in texts:
        begun = process_time()
        model.predict([text])
        times.append(1000 * (process_time() - begun))
    middle, p95 = middle_and_p95(times)
    print(
        json.dumps(
            {
                "letters": LETTERS, "load_seconds": loaded, "median_ms": middle, "p95_ms": p95,
                "resident_mb": resident_mb(psutil.Process()),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
