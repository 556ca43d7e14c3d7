"""The shape that every part lives in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("portal", "feedback", "surveys", "analytics")
CODE = [*sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), ROOT / "wsgi.py"]
TEMPLATES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.html"))
LONGEST_FILE = 430
# Words of the mainland where Taiwan has another; none of them is part of a Taiwanese word.
FOREIGN_WORDS = (
    "信息",
    "网络",
    "網絡",
    "用戶",
    "默認",
    "軟件",
    "視頻",
    "短信",
    "登錄失敗",
    "打印",
    "質量檢測",
)


def calls(path: Path) -> Iterator[str]:
    """Names of the methods that a file calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_imports_run_one_way() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_nothing_imports_the_composition_root() -> None:
    assert [str(path) for path in CODE if "wsgi" in imported(path)] == []


def test_only_the_transaction_helper_commits() -> None:
    committers = {str(path.relative_to(ROOT)) for path in CODE if "commit" in calls(path)}
    assert committers == {"portal/db.py"}


def test_services_queries_and_models_do_not_know_the_web() -> None:
    inner = [
        path
        for path in CODE
        if "services" in path.parts or path.stem in {"services", "queries", "models", "states"}
        if "views" not in path.parts
    ]
    assert len(inner) > 10
    assert [
        str(path) for path in inner if any(name.split(".")[0] == "flask" for name in imported(path))
    ] == []


def test_the_web_process_does_not_load_the_text_libraries() -> None:
    probe = (
        "import sys, wsgi; from tests.conftest import config_for; from pathlib import Path; import tempfile;"
        "folder = Path(tempfile.mkdtemp());"
        "wsgi.create_app(config_for(folder, f'sqlite:///{folder}/x.db'));"
        "print([name for name in ('sklearn', 'jieba', 'numpy', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_files_stay_small() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in CODE if (n := len(p.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_pass_the_strict_policy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=|<style|javascript:|\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(src|href)=[\"']https?://[^\"']+\.(js|css|woff2?)", text)


def test_people_read_taiwans_words() -> None:
    sources = [*CODE, *TEMPLATES, *(ROOT / "portal/profiles").glob("*.yaml")]
    found = {
        f"{path.relative_to(ROOT)}: {word}"
        for path in sources
        for word in FOREIGN_WORDS
        if word in path.read_text(encoding="utf-8")
    }
    assert found == set()


def test_locked_requirements_name_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_nothing_about_one_agency_stands_in_code() -> None:
    """The example profile boots the same code; here: no bureau's name in it."""
    names = ("標準檢驗局", "標檢局", "BSMI", "bsmi")
    allowed = {"portal/config.py"}  # the default profile's file name
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in [*CODE, *TEMPLATES]
        for name in names
        if str(path.relative_to(ROOT)) not in allowed and name in path.read_text(encoding="utf-8")
    }
    assert found == set()
