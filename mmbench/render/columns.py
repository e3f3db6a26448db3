r"""Texts of a table -> LaTeX columns that fit a page, alone or in somebody's article: widths are fractions of \linewidth."""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE = 80  # letters of \footnotesize in a line of a portrait article, the narrowest page that a table is made for
SMALLER = 86  # of \scriptsize
BETWEEN = 1.5  # letters that two columns stand apart
WHOLE = 14  # a column whose texts have up to so many letters, as numbers do, is not broken within them
WIDE = frozenset("mw+=%")
LONG = 60  # a text of more letters gets no more room for them


def fitted(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, list[str]]:
    """The size of letters, and the columns: as wide as their texts where all fit; else short ones as wide as their longest text or
    word of the header (words alone where even these do not fit), and the rest shared by the longer ones. headers, rows: in LaTeX."""
    columns = [[seen(header), *(seen(row[i]) for row in rows)] for i, header in enumerate(headers)]
    natural = [max(map(letters, column)) for column in columns]
    for size, line, whole in (("footnotesize", LINE, WHOLE), ("scriptsize", SMALLER, WHOLE), ("scriptsize", SMALLER, 0)):
        room = line - BETWEEN * len(columns)
        if sum(natural) <= room:
            return size, ["l"] * len(columns)
        least = [_least(header, texts, whole) for header, *texts in columns]
        if sum(least) <= room:
            break
    else:
        room = max(room, sum(least))
    more = [min(n, LONG) - min(n, LONG, w) for n, w in zip(natural, least, strict=True)]
    spare = min(1.0, (room - sum(least)) / max(sum(more), 1))
    return size, [_ragged((w + spare * m) / (room + BETWEEN * len(columns))) for w, m in zip(least, more, strict=True)]


def seen(tex: str) -> str:
    """What a reader sees of a cell, letter for letter: a command is one, those that set a font are none."""
    without = re.sub(r"\\text(bf|tt)\b|\$", "", tex)
    return re.sub(r"[{}]", "", re.sub(r"\\([a-zA-Z]+(\{\})?|.)", "x", without))


def letters(text: str) -> float:
    """How wide a text is, in small letters: capitals and signs count for one and a half."""
    return sum(1.5 if letter.isupper() or letter in WIDE else 1 for letter in text)


def _least(header: str, texts: Sequence[str], whole: int) -> float:
    """Letters: of the longest word, or of the longest text where texts have up to `whole`."""
    longest = max(map(letters, texts), default=0)
    words = [word for text in (header, *texts) for word in re.split(r"[ ~]|(?<=-)", text)]
    return max(max(map(letters, words)), longest if longest <= whole else 0, 2)


def _ragged(fraction: float) -> str:
    """Nothing is stretched within a column."""
    return rf">{{\raggedright\arraybackslash}}p{{{fraction:.3f}\linewidth}}"
