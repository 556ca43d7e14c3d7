"""`flask analytics benchmark`: our pipeline on any labelled texts, beside yardsticks in the same run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from analytics.cli_base import BadInput, object_of, prepare_text, report, rows_of, text_of, write, write_json

FOLDS, SEED = 5, 1


@click.command()
@click.option("--train", "train_file", help="訓練用 JSONL（text、label）。")
@click.option("--test", "test_file", help="測試用 JSONL（text、label）。")
@click.option("--folder", help="整個資料夾的 JSONL，並列比較的基準；有 split 欄就用它，否則五折交叉驗證。")
@click.option("--json", "as_json", is_flag=True, help="以 JSON 輸出。")
def benchmark(train_file: str | None, test_file: str | None, folder: str | None, as_json: bool) -> None:
    """以同一套流程在任意標籤的資料上訓練並計分。"""
    from analytics.evaluation import benchmark as score

    if folder is not None:
        _all_of(Path(folder), as_json)
        return
    if train_file is None or test_file is None:
        raise BadInput("請給 --train 和 --test 兩個檔案，或以 --folder 給一個資料夾。")
    learn, test = _labelled(rows_of(train_file)), _labelled(rows_of(test_file))
    prepare_text()
    try:
        report(score(learn, test), as_json)
    except ValueError as error:
        raise BadInput(str(error)) from error


def _labelled(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(text, label) for text, label, _ in _read(rows)]


def _read(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str | None]]:
    """Text, label and split of each line."""
    for place, line in rows:
        row = object_of(place, line)
        label = row.get("label")
        if isinstance(label, bool) or not isinstance(label, str | int):
            raise BadInput(f"{place}：缺少 label。")
        yield text_of(place, row, "text"), str(label), row.get("split")


def _all_of(folder: Path, as_json: bool) -> None:
    """Every labelled set of a folder; files without labels are passed over, and that is said."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise BadInput(f"{folder} 裡沒有 JSONL 檔。")
    prepare_text()
    for file in files:
        try:
            rows = list(_read(rows_of(str(file))))
        except BadInput:
            click.echo(f"略過 {file.name}：沒有 label。", err=True)
            continue
        result = {"file": file.stem} | _beside(rows)
        if as_json:
            write_json(result)
            continue
        write(f"{file.stem}（{result['split']}，n={result['n']}）")
        for name, scores in result["scores"].items():
            write(f"  {name}　準確率 {scores['accuracy']:.1%}　macro-F1 {scores['macro_f1']:.1%}")


def _beside(rows: Sequence[tuple[str, str, str | None]]) -> dict[str, Any]:
    """Ours and every yardstick on the same parts: train → valid, or all folds put together."""
    from analytics.metrics import agreement
    from analytics.yardsticks import RECIPES, read_by

    parts = list(_parts(rows))
    truth = [label for _, test in parts for _, label in test]
    found = {"本系統": [label for learn, test in parts for label in _ours(learn, test)]}
    for recipe in RECIPES:
        found[recipe] = [label for learn, test in parts for label in read_by(recipe, learn, test)]
    return {
        "split": "train → valid" if len(parts) == 1 else f"{len(parts)} 折交叉驗證",
        "n": len(truth),
        "scores": {name: agreement(truth, labels) for name, labels in found.items()},
    }


def _ours(learn: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]]) -> list[str]:
    from analytics.evaluation import fit_any, read_any

    return read_any(fit_any(learn), [text for text, _ in test])


def _parts(
    rows: Sequence[tuple[str, str, str | None]],
) -> Iterator[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
    from analytics.corpus import folds

    pairs = [(text, label) for text, label, _ in rows]
    valid = [split == "valid" for _, _, split in rows]
    if any(valid) and not all(valid):
        yield (
            [pair for pair, held in zip(pairs, valid, strict=True) if not held],
            [pair for pair, held in zip(pairs, valid, strict=True) if held],
        )
        return
    fold_of = folds([label for _, label in pairs], count=FOLDS, seed=SEED).tolist()
    for number in range(FOLDS):
        yield (
            [pair for pair, at in zip(pairs, fold_of, strict=True) if at != number],
            [pair for pair, at in zip(pairs, fold_of, strict=True) if at == number],
        )
