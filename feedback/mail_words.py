"""The words of a mail: whatever its bytes claim to be becomes text that can be kept. Never raises."""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from typing import Any

from lxml import etree

from portal.forms import clean

# What mail programs call Big5 or GB2312 is in truth one of these supersets.
SUPERSETS = {
    "big5": "cp950", "big5hkscs": "big5hkscs", "gb2312": "gb18030", "gbk": "gb18030", "ascii": "utf-8",
    "shift_jis": "cp932", "iso8859-1": "cp1252", "euc_kr": "cp949",
}  # fmt: skip
GUESSES = ("utf-8", "cp950", "gb18030")
# Codecs that are no charset of any mail; some are slow on purpose-made input.
REFUSED = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})
STATEFUL = re.compile(r"utf-?(7|16|32)|iso2022|hz")
FIRST_LONG = "\u0800"  # from here on UTF-8 takes three bytes, which other charsets hardly ever look like
ENCODED_WORD = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*)\?=")
SPACES = re.compile(r"[^\S\n]+")
BLANK_LINES = re.compile(r"\n{3,}")
BLOCKS = frozenset({
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
SILENT = frozenset({"script", "style", "title", "template"})
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HALVES = re.compile("[\ud800-\udfff]")
LINK = re.compile(r"https?://\S{1,2000}", re.IGNORECASE)


def decode(raw: bytes, label: str = "") -> str:
    """Bytes as text. `label` is what the mail says they are, which is often wrong."""
    named = _codec(label)
    if named and STATEFUL.match(named):
        return raw.decode(named, "replace")
    text = _strictly(raw, "utf-8")
    if text is not None and (not named or max(text, default="") >= FIRST_LONG):
        return text  # whatever its label
    for name in (named, *GUESSES):
        text = _strictly(raw, name) if name else None
        if text is not None:
            return text
    return raw.decode(named or "utf-8", "replace")


def _codec(label: str) -> str:
    """The codec for a label; empty for one that is unknown or no charset."""
    try:
        found = codecs.lookup(label.strip())
        "".encode(found.name)  # a codec from text to bytes, unlike base64 or rot13
    except (LookupError, ValueError):
        return ""
    return "" if found.name in REFUSED else SUPERSETS.get(found.name, found.name)


def _strictly(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name)
    except (UnicodeError, ValueError):
        return None


def header(value: str) -> str:
    """A header as one line of text: unfolded, RFC 2047 words decoded, raw bytes understood."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"))
    return " ".join(plain(_encoded_words(value)).split())


def _encoded_words(value: str) -> str:
    """The value with encoded words decoded. Neighbours in one charset are joined first, as some programs
    cut in the middle of a character."""
    parts: list[str] = []
    run, label, at = b"", "", 0
    for found in ENCODED_WORD.finditer(value):
        gap, charset = value[at : found.start()], found[1].partition("*")[0].lower()
        if at and not gap.strip():
            gap = ""  # white space between encoded words does not count
        if gap or charset != label:
            parts += [decode(run, label), gap]
            run = b""
        run, label, at = run + _unpacked(found[2], found[3]), charset, found.end()
    return "".join([*parts, decode(run, label), value[at:]])


def _unpacked(encoding: str, text: str) -> bytes:
    packed = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(packed, header=True)
    try:
        packed = b"".join(packed.split()).rstrip(b"=")
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return packed


def plain(text: str) -> str:
    """Text as it may be kept: cleaned like what is typed, without control characters or half characters."""
    return CONTROL.sub("", HALVES.sub("\ufffd", clean(text.replace("\f", "\n")))).strip()


def html_text(html: str) -> str:
    """The words of an HTML page, by line, with the addresses of its links; scripts and styles are dropped.

    The parser of the standard library takes quadratic time on broken tags, libxml2 does not.
    """
    words = _Words()
    parser = etree.HTMLParser(target=words, recover=True, no_network=True, huge_tree=True)
    try:
        parser.feed(plain(html))
        parser.close()
    except etree.LxmlError:
        words.parts.append(re.sub(r"<[^<>]*>", " ", html))
    lines = (line.strip() for line in "".join(words.parts).split("\n"))
    return BLANK_LINES.sub("\n\n", plain("\n".join(lines)))


class _Words:
    """Collects the words while lxml reads a page."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.silent = 0
        self.links: list[str] = []

    def start(self, tag: str, attributes: Any) -> None:
        self.silent += tag in SILENT
        if tag in BLOCKS:
            self.parts.append("\n\n" if tag == "p" else "\n")
        elif tag in {"td", "th"}:
            self.parts.append(" ")
        if tag == "a":
            self.links.append(attributes.get("href") or "")

    def end(self, tag: str) -> None:
        self.silent -= tag in SILENT
        if tag == "a" and self.links:
            address = self.links.pop().strip()
            if LINK.fullmatch(address) and address not in "".join(self.parts[-3:]):
                self.parts.append(f"（{address}）")
        if tag in BLOCKS - {"br", "hr"}:
            self.parts.append("\n")

    def data(self, text: str) -> None:
        if not self.silent:
            self.parts.append(SPACES.sub(" ", text.replace("\n", " ")))

    def comment(self, text: str) -> None:
        """Comments are not words."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Nor are instructions to other programs."""

    def close(self) -> None:
        """Nothing to hand over: the parts stay here."""
