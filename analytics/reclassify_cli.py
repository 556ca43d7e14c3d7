"""`flask analytics reclassify`: letters read again after another classifier became active."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analytics.cli_base import BadInput
from portal.clock import utcnow

if TYPE_CHECKING:  # imported inside, like everything of this group that carries scikit-learn
    from analytics.resources import Resources
    from analytics.services.reclassification import Batch, Reader, Readings
    from feedback.services.renewal import Effect

TOLD_EVERY_SECONDS = 2


class Progress:
    """How far a long run is, on stderr: a line every few seconds, and one at the end."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self._begun = self._last = time.monotonic()

    def add(self, letters: int) -> None:
        self.done += letters
        if time.monotonic() - self._last >= TOLD_EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        self._last = time.monotonic()
        rate = self.done / max(self._last - self._begun, 1e-6)
        click.echo(f"{self.done:,}／{self.total:,} 封　每秒 {rate:,.0f} 封", err=True)


@click.command()
@click.option("--all", "everything", is_flag=True, help="已確認主題或已答復的信也重新判讀；確認的主題不變。")
@click.option("--limit", type=click.IntRange(min=1), help="最多判讀幾封。")
@click.option(
    "--batch", "size", type=click.IntRange(1, 5_000), default=500, show_default=True, help="一次交易幾封。"
)
@click.option("--workers", type=click.IntRange(1, 256), help="用本機的幾個程序（需要 qingting[cluster]）。")
@click.option("--scheduler", metavar="tcp://…", help="用機關自己的 Dask 叢集（需要 qingting[cluster]）。")
def reclassify(
    everything: bool, limit: int | None, size: int, workers: int | None, scheduler: str | None
) -> None:
    """換了分類模型之後，重新判讀舊的信。

    判讀過的不會再做，中斷後再執行一次就會接著做。同仁決定的主題、單位、承辦人與狀態不變；
    還沒有人處理的信，如果可能涉及限閱主題就隱藏，如果現在知道該由誰辦就送過去。
    """
    from analytics.cluster import ClusterUnusable
    from analytics.model_store import ModelUnusable
    from analytics.resources import resources
    from analytics.services.reclassification import batches, count_outstanding
    from analytics.services.versions import active_version
    from analytics.text import TermsError
    from feedback.services.renewal import Effect

    if workers and scheduler:
        raise BadInput("--workers 與 --scheduler 只能用一個。")
    version = active_version()
    if version is None:
        raise BadInput("沒有啟用中的分類模型，請先執行 analytics train。")
    waiting = count_outstanding(version.id, everything=everything)
    total = min(waiting, limit or waiting)
    if total == 0:
        click.echo("沒有需要重新判讀的信。")
        return
    letters = batches(version.id, everything=everything, size=size, limit=limit)
    checksum = str(version.manifest["artifact_sha256"])
    try:
        with _reader(resources(), version.id, checksum, workers, scheduler) as reader:
            effects = _renew_all(reader(letters), version.id, Progress(total))
    except (ModelUnusable, ClusterUnusable, TermsError) as error:
        raise BadInput(str(error)) from error
    for effect in Effect:
        if effects[effect]:
            click.echo(f"{effect.value}：{effects[effect]:,} 封")


def _renew_all(results: Iterator[Readings], version_id: str, progress: Progress) -> Counter[Effect]:
    """Write what was read, as it comes; return what became of the letters."""
    from analytics.services.reclassification import renew
    from portal.app import profile

    effects: Counter[Effect] = Counter()
    try:
        for readings in results:
            effects.update(renew(readings, version_id=version_id, profile=profile(), now=utcnow()))
            progress.add(len(readings))
    finally:
        progress.tell()
    return effects


@contextmanager
def _reader(
    found: Resources, version_id: str, checksum: str, workers: int | None, scheduler: str | None
) -> Iterator[Reader]:
    folder = found.models / version_id
    if workers or scheduler:
        from analytics.cluster import cluster_reader, pack

        kit = pack(folder, checksum, found.terms)
        with cluster_reader(kit, scheduler=scheduler, workers=workers or 1) as reader:
            yield reader
    else:
        found.prepare_text()
        yield _reader_here(folder, version_id, checksum)


def _reader_here(folder: Path, version_id: str, checksum: str) -> Reader:
    from analytics import model_store
    from analytics.services.reclassification import read

    model = model_store.load(folder, expected_sha256=checksum)

    def reader(letters: Iterator[Batch]) -> Iterator[Readings]:
        return (read(version_id, model, batch) for batch in letters)

    return reader
