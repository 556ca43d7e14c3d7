"""The yardstick of the classifier: jieba as it comes, TF-IDF and a linear SVM, on the same letters.

`python -m tests.bench.plain CORPUS LETTERS` prints letters per CPU second and resident memory as JSON.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from time import process_time

import psutil
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from tests.bench.letters import corpus
from tests.bench.processes import resident_mb

with warnings.catch_warnings():  # jieba 0.42.1 has invalid escapes and imports pkg_resources
    warnings.simplefilter("ignore")
    import jieba


def main(corpus_folder: str, letters_file: str) -> None:
    jieba.setLogLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        jieba.dt.tmp_dir = folder
        jieba.initialize()
    rows = corpus(Path(corpus_folder))
    model = make_pipeline(TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None), LinearSVC())
    model.fit([f"{row['subject']}\n{row['text']}" for row in rows], [row["topic"] for row in rows])
    lines = Path(letters_file).read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    begun = process_time()
    model.predict(texts)
    rate = len(texts) / (process_time() - begun)
    print(json.dumps({"per_second": rate, "resident_mb": resident_mb(psutil.Process())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
