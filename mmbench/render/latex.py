r"""Page -> LaTeX: booktabs tables that compile alone and by \input, and one macro per value, `\mmb{arl-gamma}{gamma-4}{acc}`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from mmbench import layout
from mmbench.grid import Grid, Page
from mmbench.layout import Rows, Style
from mmbench.render.columns import fitted

SIGNS = {"yes": r"$\checkmark$", "near": r"$\approx$", "open": "?", "no": r"$\times$", "broken": "!"}
ASCII = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "`": r"\textasciigrave{}", '"': "''", "'": "{'}",
}  # fmt: skip
MATHS = {
    "±": r"\pm", "×": r"\times", "·": r"\cdot", "≥": r"\geq", "≤": r"\leq", "≈": r"\approx", "→": r"\to", "−": "-", "∞": r"\infty",
    "↑": r"\uparrow", "↓": r"\downarrow", "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon",
    "ζ": r"\zeta", "θ": r"\theta", "λ": r"\lambda", "μ": r"\mu", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\phi",
    "†": r"\dagger", "‡": r"\ddagger", "²": "^2", "³": "^3", "¹": "^1", "ϕ": r"\phi", "Δ": r"\Delta", "Σ": r"\Sigma", "∑": r"\sum",
}  # fmt: skip
MARKS = {"–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\dots{}", "§": r"\S{}", "\u00a0": "~", "\u200b": "{}"}
LETTERS = frozenset(chr(c) for c in range(0xC0, 0x100)) - set("×÷ÐðÞþ")  # what every LaTeX sets in every font encoding

PREAMBLE = r"""% {name}: written by mmbench, do not edit.
% Compiles alone; in a paper: \usepackage{{amssymb,array,booktabs}} and \input{{{name}}}.
\expandafter\ifx\csname @twoclasseserror\endcsname\documentclass\else
\documentclass[a4paper,landscape]{{article}}
\usepackage[margin=12mm]{{geometry}}
\usepackage{{amssymb,array,booktabs}}
\begin{{document}}
\def\mmbend{{\end{{document}}}}
\fi"""
MACRO = r"""% {name}: written by mmbench, do not edit. In a paper's preamble: \input{{{name}}}, then \mmb{{table}}{{row}}{{column}} is the
% reproduced value on the paper's data; \mmb[demo]{{...}} the one of another section, with the data that it ran on.
\providecommand{{\mmb}}[4][full]{{\ifcsname mmb/#1/#2/#3/#4\endcsname\csname mmb/#1/#2/#3/#4\endcsname\else
  \textbf{{??}}\GenericWarning{{}}{{mmbench: no reproduced value for #2:#3:#4 in section #1}}\fi}}"""
FLOATS = 16  # tables in a row; LaTeX gives up when about fifty wait for a page


def escape(text: str) -> str:
    """Plain text as LaTeX sets it; a character that a plain installation lacks becomes its nearest ASCII, else its code point."""
    one_line = " ".join(text.replace("--", "-\u200b-").split())
    return re.sub(r"(?<![\w}])-(?=\d)", "$-$", "".join(map(_character, one_line)))


def _character(c: str) -> str:
    if c in ASCII:
        return ASCII[c]
    if (" " <= c <= "~") or c in LETTERS:
        return c
    if c in MATHS:
        return f"${MATHS[c]}$"
    if c in MARKS:
        return MARKS[c]
    plain = unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode()
    return "".join(map(_character, plain)) if plain.strip() and plain.isprintable() else f"[U+{ord(c):04X}]"


STYLE = Style(escape, SIGNS.__getitem__, bold=lambda text: rf"\textbf{{{text}}}", note=lambda id: "")


def page(content: Page) -> str:
    """The tables of all sections that anybody ran: claims, then values, with what a reader needs below them."""
    name = content.table.id
    lines = [PREAMBLE.format(name=name)]
    if content.banner:
        lines.append(rf"{{\noindent\raggedright\textbf{{{escape(content.banner)}}}\par}}")
    for grid in (g for g in content.grids if g.measured or g.elsewhere):
        lines += _section(grid)
    if content.table.untestable:
        items = (rf"\item ``{escape(u.says)}'': {escape(u.why)}" for u in content.table.untestable)
        lines += [r"\noindent\textbf{Sentences that no run can decide}", "\n".join((r"\begin{itemize}", *items, r"\end{itemize}"))]
    return "\n\n".join([*_in_reach(lines), r"\ifdefined\mmbend\expandafter\mmbend\fi"]) + "\n"


def macros(content: Page) -> str:
    """One macro per value that was run. A value that was not run has none: then the paper shows ?? and the log says which."""
    lines = [MACRO.format(name=f"{content.table.id}-macros")]
    for grid in content.grids:
        for block in grid.blocks:
            on = "" if grid.judged else f" (on {block.ran_on})"
            for entry in (e for e in block.entries if e.reproduced):
                path = f"mmb/{grid.name}/{grid.table.id}/{entry.row.id}/{block.column.id}"
                lines.append(rf"\expandafter\def\csname {path}\endcsname{{{escape(entry.reproduced + on)}}}")
    return "\n".join(lines) + "\n"


def _section(grid: Grid) -> Iterator[str]:
    title = f"{grid.table.title}. {grid.heading} (scale {grid.scale}, reading {grid.reading})."
    if grid.claims:
        yield _table(layout.claims(grid, STYLE), f"Claims: {title}")
    for block in (b for b in grid.blocks if layout.shown(grid, b)):
        below = " ".join((*block.lines, *(() if len(grid.blocks) > 1 else grid.method)))
        caption = f"{title} {block.column.label}{f': {block.quality}' if block.quality else ''}. {below}"
        yield _table(layout.values(grid, block, STYLE), caption)
    if len(grid.blocks) > 1:
        yield from map(escape, grid.method)
    signature = re.sub(r"\\textbar\{\}|[,:+]", r"\g<0>\\allowbreak{}", escape(grid.signature))
    yield rf"{{\noindent\raggedright\footnotesize\ttfamily {signature}\par}}"


def _in_reach(lines: Iterable[str]) -> Iterator[str]:
    """With a new page after every `FLOATS` tables, whatever text stands between them."""
    waiting = 0
    for line in lines:
        waiting += line.startswith(r"\begin{table}")
        yield from [r"\clearpage"] if waiting > FLOATS else []
        waiting = 1 if waiting > FLOATS else waiting
        yield line


def _table(rows: Rows, caption: str) -> str:
    """A booktabs table that is no wider than the text around it."""
    size, columns = fitted(*rows)
    lines = [" & ".join(cells) + r" \\" for cells in rows[1]]
    return "\n".join(
        (
            rf"\begin{{table}}[!ht]\centering\{size}\setlength{{\tabcolsep}}{{3pt}}", rf"\caption{{{escape(caption)}}}",
            rf"\begin{{tabular}}{{@{{}}{''.join(columns)}@{{}}}}", r"\toprule", " & ".join(rows[0]) + r" \\", r"\midrule", *lines,
            r"\bottomrule", r"\end{tabular}", r"\end{table}",
        )
    )  # fmt: skip
