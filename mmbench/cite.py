"""BibTeX of the papers whose tables were used."""

from __future__ import annotations

from collections.abc import Iterable

from mmbench import published

ESCAPED = str.maketrans({"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"})


def bibtex(tables: Iterable[str]) -> list[str]:
    """One entry per paper, in the order of the tables."""
    return [_entry(paper) for paper in dict.fromkeys(published.load(id).paper for id in tables)]


def _entry(id: str) -> str:
    paper = published.paper(id)
    fields = {
        "title": "{" + paper["title"] + "}", "author": " and ".join(name.strip() for name in paper.get("authors", "").split(",")),
        "booktitle": paper["venue"], "year": str(paper["year"]),
    }  # fmt: skip
    lines = [f"  {name} = {{{text.translate(ESCAPED)}}}," for name, text in fields.items() if text]
    return "\n".join([f"@inproceedings{{{paper.get('cite', id)},", *lines, "}"])
