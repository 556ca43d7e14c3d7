"""A staff page as a reader sees it: figures with their links, tables with their rows."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Cell:
    text: str = ""
    href: str = ""


@dataclass
class Table:
    caption: str = ""
    headers: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)

    def row(self, label: str) -> list[Cell]:
        """The cells beside a label."""
        return next(row for row in self.rows if row[0].text == label)[1:]

    @property
    def texts(self) -> list[list[str]]:
        return [[cell.text for cell in row] for row in self.rows]


class _Tables(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Table] = []
        self.cell: Cell | None = None
        self.place = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.found.append(Table())
        elif tag in {"thead", "tbody", "caption"}:
            self.place = tag
        elif tag == "tr" and self.place == "tbody":
            self.found[-1].rows.append([])
        elif tag in {"th", "td"}:
            self.cell = Cell()
        elif tag == "a" and self.cell is not None:
            self.cell.href = dict(attrs).get("href") or ""

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.text += data
        elif self.place == "caption":
            self.found[-1].caption += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"th", "td"} and self.cell is not None:
            self.cell.text = " ".join(self.cell.text.split())
            if self.place == "thead":
                self.found[-1].headers.append(self.cell.text)
            else:
                self.found[-1].rows[-1].append(self.cell)
            self.cell = None
        elif tag in {"caption", "thead", "tbody"}:
            self.place = ""


def tables(text: str) -> dict[str, Table]:
    """The tables of a page by caption."""
    return {table.caption: table for table in _Tables(text).found}


def rows(text: str) -> int:
    """How many rows the tables of a page have."""
    return sum(len(table.rows) for table in _Tables(text).found)


@dataclass(frozen=True)
class Stat:
    """A figure on its own: what is shown, its n, its note, and the address of the rows behind it."""

    value: str
    n: int | None
    note: str
    href: str


def stats(text: str) -> dict[str, Stat]:
    """The single figures of a page by what they count."""
    found = {}
    for block in text.split('<div class="stat">')[1:]:
        label = _words(re.search(r'stat-label">(.*?)</p>', block, re.DOTALL))
        href = re.search(r'stat-label"><a href="([^"]*)"', block)
        value = re.search(r'stat-value">(.*?)(?:<span|</p>)', block, re.DOTALL)
        n = re.search(r"<span>n＝(\d+)</span>", block)
        note = re.search(r"<span>(?!n＝)([^<]*)</span></p>", block.split("</div>")[0])
        found[label] = Stat(
            _words(value), int(n[1]) if n else None, _words(note), html.unescape(href[1]) if href else ""
        )
    return found


def _words(match: re.Match[str] | None) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", match[1])).strip() if match else ""


def quotes(text: str) -> list[tuple[str, str]]:
    """Quoted sentences and the address of the letter each is from ("" without a link)."""
    found = re.findall(r'<q>(.*?)</q>(?: <a href="([^"]*)")?', text)
    return [(html.unescape(words), href) for words, href in found]
