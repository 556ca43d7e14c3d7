"""`flask analytics check-corpus`: near-duplicates and disagreements in the agency's starter corpus."""

from __future__ import annotations

import click

from analytics.cli_base import BadInput, prepare_text, write

SHOWN = 20
"""Pairs and disagreements told in full; the counts are always told."""


@click.command("check-corpus")
@click.option("--all", "everything", is_flag=True, help=f"全部列出，不只前 {SHOWN} 筆。")
def check_corpus(everything: bool) -> None:
    """檢查起始語料：近乎相同的信，以及兩次標記不一致的信。"""
    from analytics.corpus import CorpusError, read_corpus
    from analytics.corpus_check import compare_passes, near_duplicates, read_second_pass
    from analytics.resources import resources
    from portal.app import profile

    prepare_text()
    found = resources()
    if found.corpus is None:
        raise BadInput("機關設定沒有起始語料（analysis.corpus）。")
    try:
        letters = read_corpus(found.corpus, {topic.code for topic in profile().topics})
        second = read_second_pass(found.second_pass) if found.second_pass else {}
    except (CorpusError, OSError) as error:
        raise BadInput(str(error)) from error
    most = None if everything else SHOWN
    pairs = list(near_duplicates(letters))
    write(f"{len(letters)} 封信，近乎相同 {len(pairs)} 對")
    for pair in pairs[:most]:
        one, other = letters[pair.first], letters[pair.second]
        write(
            f"  {pair.likeness:.2f} {one.topic}「{_start(one.text)}」／{other.topic}「{_start(other.text)}」"
        )
    passes = compare_passes(letters, second)
    kappa = f"，Cohen's κ {passes.kappa:.3f}" if passes.kappa is not None else ""
    write(f"兩次標記 {passes.n} 封，一致 {passes.same} 封{kappa}")
    for at, topic in passes.differing[:most]:
        write(f"  {letters[at].topic} / {topic}「{_start(letters[at].full_text)}」")


def _start(text: str) -> str:
    return " ".join(text[:40].split())
