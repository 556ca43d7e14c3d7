"""Reading letters on a Dask cluster: the texts of a batch go out, what the classifier says comes back.

Scheduler and workers need this program in the same version, and no database. The classifier travels as a
task like any other, so Dask makes it again on another worker when the one that held it dies; likewise a
batch. Everything that crosses the wire is a pickle: the cluster must be the agency's own.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from analytics import model_store
from analytics.classifier import TrainedModel
from analytics.services.reclassification import Batch, Reader, Readings, read
from analytics.text import configure

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

CONNECT_SECONDS = 15
WORKERS_SECONDS = 60
"""Patience for the scheduler, and then for its first worker."""

AHEAD = 2
"""Batches sent for each thread of the cluster: one at work and one waiting; memory holds no more."""


class ClusterUnusable(Exception):
    """Letters cannot be read there; the message says why, in Traditional Chinese, for operators."""


@dataclass(frozen=True, slots=True)
class Kit:
    """All that a worker needs to read letters: a classifier's two files and the agency's words.

    `sha256` is the checksum kept in the database, `versions` what the worker's own must be.
    """

    version_id: str
    sha256: str
    versions: dict[str, str]
    model: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    terms: bytes | None = field(repr=False)


def pack(folder: Path, sha256: str, terms: Path | None) -> Kit:
    """The kit of a stored classifier. Raises ModelUnusable and OSError."""
    model_store.verify(folder, expected_sha256=sha256)
    return Kit(
        folder.name,
        sha256,
        own_versions(),
        (folder / model_store.MODEL_FILE).read_bytes(),
        (folder / model_store.MANIFEST_FILE).read_bytes(),
        terms.read_bytes() if terms else None,
    )


def own_versions() -> dict[str, str]:
    """What two machines must have in common to read a letter alike and to understand each other."""
    code = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(file.read_bytes())
    packages = {name: version(name) for name in ("distributed", "sqlalchemy")}
    return model_store.current_versions() | packages | {"qingting": code.hexdigest()[:12]}


_lock = threading.Lock()
_loaded: dict[str, TrainedModel] = {}


def read_there(kit: Kit, batch: Batch) -> Readings:
    """A worker's task: load the classifier if this process has not yet, then read."""
    with _lock:  # a worker may have several threads, and jieba has one dictionary
        if kit.sha256 not in _loaded:
            _check_versions(kit)
            model = _load(kit)
            _loaded.clear()
            _loaded[kit.sha256] = model
        model = _loaded[kit.sha256]
    return read(kit.version_id, model, batch)


def _check_versions(kit: Kit) -> None:
    from distributed import get_worker

    own = own_versions()
    names = sorted(kit.versions.keys() | own.keys())
    other = [
        f"{name} {own.get(name, '無')}（這裡是 {kit.versions.get(name, '無')}）"
        for name in names
        if own.get(name) != kit.versions.get(name)
    ]
    if other:
        raise ClusterUnusable(f"worker {get_worker().address} 的版本不同：{'、'.join(other)}。")


def _load(kit: Kit) -> TrainedModel:
    from distributed import get_worker

    with tempfile.TemporaryDirectory() as scratch:
        folder, terms = Path(scratch) / kit.version_id, Path(scratch) / "terms.txt"
        folder.mkdir()
        (folder / model_store.MODEL_FILE).write_bytes(kit.model)
        (folder / model_store.MANIFEST_FILE).write_bytes(kit.manifest)
        terms.write_bytes(kit.terms or b"")
        cache = Path(get_worker().local_directory) / "jieba"  # the worker's own, not the shared temporary one
        configure(terms=terms, cache_dir=cache)
        return model_store.load(folder, expected_sha256=kit.sha256)


@contextmanager
def cluster_reader(kit: Kit, *, scheduler: str | None = None, workers: int = 1) -> Iterator[Reader]:
    """A Reader on the cluster at this address, or on so many processes of this machine.

    Raises ClusterUnusable, on entering and while reading; what the worker refuses (ModelUnusable) as well.
    """
    try:
        import distributed
    except ImportError as error:
        raise ClusterUnusable("沒有安裝叢集用的套件：請安裝 qingting[cluster]。") from error
    logging.getLogger("distributed").setLevel(logging.WARNING)  # it tells of every connection otherwise
    with ExitStack() as stack:
        try:
            if scheduler is None:
                scheduler = stack.enter_context(local_cluster(workers)).scheduler_address
            client = stack.enter_context(distributed.Client(scheduler, timeout=CONNECT_SECONDS))
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except (OSError, ValueError) as error:
            raise ClusterUnusable(f"無法使用叢集 {scheduler}，或它沒有 worker（{error}）。") from error
        yield lambda batches: _stream(client, kit, batches)


def local_cluster(workers: int) -> LocalCluster:
    """Worker processes of this machine, reachable from this machine only, without a web page."""
    from distributed import LocalCluster

    return LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)


def _stream(client: Client, kit: Kit, batches: Iterator[Batch]) -> Iterator[Readings]:
    """Results as they come, a few batches ahead."""
    import dask
    from distributed import as_completed

    with _plainly(), dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):
        # A task, not scattered data: those would be gone with the last worker that holds them.
        ready = client.submit(_same, kit, pure=False)
    pending = as_completed()

    def send() -> None:
        with _plainly():
            room = max(1, AHEAD * sum(client.nthreads().values())) - pending.count()
        for batch in islice(batches, max(0, room)):
            with _plainly():
                pending.add(client.submit(read_there, ready, batch, pure=False))

    send()
    for future in pending:
        with _plainly():
            readings = future.result()
        yield readings
        send()


def _same(kit: Kit) -> Kit:
    return kit


@contextmanager
def _plainly() -> Iterator[None]:
    """Say what went wrong on the cluster in one line; letters never stand in it."""
    from distributed import CancelledError, KilledWorker

    try:
        yield
    except (ClusterUnusable, model_store.ModelUnusable):
        raise  # plain already
    except KilledWorker as error:
        raise ClusterUnusable("有一批信接連讓多個 worker 中止，請檢查 worker 的記憶體。") from error
    except (OSError, CancelledError) as error:
        raise ClusterUnusable(f"與叢集失去聯絡（{type(error).__name__}）。") from error
    except Exception as error:  # a worker may raise anything; all of it means the same here
        what = f"叢集無法判讀（{type(error).__name__}）"
        raise ClusterUnusable(
            f"{what}：排程器與每個 worker 都要有同一版的傾聽，細節在它們的紀錄裡。"
        ) from error
