"""LaTeX that compiles, alone and inside a paper, whatever text is in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mmbench.render import latex
from tests import made_up

EVERYTHING = "".join(map(chr, range(32, 127))) + "äßé±×γ†–“”’…≥ş中😀\x07 -1.5 a--b"
needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def compiled(folder: Path, name: str) -> str:
    """The text of the log; fails unless a PDF came out without an error."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / f"{name}.pdf").exists()
    return done.stdout


def test_everything_is_escaped():
    assert latex.escape("50 % of a_b & {c} #1 $x$ \\d ~ ^") == (
        r"50 \% of a\_b \& \{c\} \#1 \$x\$ \textbackslash{}d \textasciitilde{} \textasciicircum{}"
    )
    assert latex.escape("75.10 ± 0.43, -1.30, γ, a--b, s-4") == r"75.10 $\pm$ 0.43, $-$1.30, $\gamma$, a-{}-b, s-4"
    assert latex.escape("中") == "[U+4E2D]"
    assert latex.escape(EVERYTHING).isascii() or set(latex.escape(EVERYTHING)) - set(map(chr, range(128))) <= latex.LETTERS


def test_rows_carry_marks_only_where_something_is_judged():
    text = latex.page(made_up.page(made_up.full(), made_up.demo()))
    judged, stand_in = text.split("On a stand-in: av-digits", 1)
    assert r"$\checkmark$ reproduced" in judged
    assert r"$\times$ not reproduced" in judged
    for sign in latex.SIGNS.values():
        assert f" {sign} " not in stand_in
    assert r"\toprule" in stand_in


def test_a_macro_per_value_that_was_run():
    text = latex.macros(made_up.page(made_up.full(), made_up.demo()))
    assert r"\expandafter\def\csname mmb/full/toy-scale/s-4/acc\endcsname{64.50 $\pm$ 0.40}" in text
    assert r"\csname mmb/demo/toy-scale/s-4/acc\endcsname{94.80 $\pm$ 0.40 (on av-digits)}" in text
    assert re.findall(r"csname mmb/full/toy-scale/([^/]*)/acc\\endcsname\{", text) == ["vanilla", "s-1", "s-2", "s-4"]


@needs_pdflatex
def test_it_compiles_alone(tmp_path):
    page = made_up.page(made_up.full(), made_up.demo(), made_up.untouched())
    (tmp_path / "toy-scale.tex").write_text(latex.page(page))
    compiled(tmp_path, "toy-scale")


@needs_pdflatex
def test_it_compiles_with_every_character_there_is(tmp_path):
    page = made_up.page(made_up.full())
    block = page.grids[0].blocks[0]
    entries = tuple(replace(e, remark=EVERYTHING, published=EVERYTHING) for e in block.entries)
    evil = replace(page.grids[0], blocks=(replace(block, entries=entries),), signature=EVERYTHING, heading=EVERYTHING)
    (tmp_path / "toy-scale.tex").write_text(latex.page(replace(page, grids=(evil,), banner=EVERYTHING)))
    compiled(tmp_path, "toy-scale")


@needs_pdflatex
def test_a_paper_inputs_the_table_and_quotes_numbers(tmp_path):
    page = made_up.page(made_up.full(), made_up.demo())
    (tmp_path / "toy-scale.tex").write_text(latex.page(page))
    (tmp_path / "toy-scale-macros.tex").write_text(latex.macros(page))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{amssymb,array,booktabs}\input{toy-scale-macros}\begin{document}"
        r"\mmb{toy-scale}{s-4}{acc} \mmb[demo]{toy-scale}{s-4}{acc} \mmb{toy-scale}{s-8}{acc}"
        r"\typeout{\expandafter\meaning\csname mmb/full/toy-scale/s-4/acc\endcsname}"
        r"\input{toy-scale}\end{document}"
    )
    log = compiled(tmp_path, "paper")
    assert log.count("no reproduced value") == 1
    assert "for toy-scale:s-8:acc in section full" in " ".join(log.split())
    assert r"macro:->64.50 $\pm $ 0.40" in log


@needs_pdflatex
@pytest.mark.parametrize(
    "paper", ["", r"\documentclass{article}\usepackage{amssymb,array,booktabs}\begin{document}\input{%s}\end{document}"]
)
def test_nothing_runs_off_the_page_alone_or_in_a_portrait_article(tmp_path, paper):
    page = made_up.page(made_up.full(), made_up.demo())
    commits = "+".join(f"{number:010x}" for number in range(30))
    grids = tuple(replace(grid, signature=f"{grid.signature}|commit:{commits}") for grid in page.grids)
    (tmp_path / "toy-scale.tex").write_text(latex.page(replace(page, grids=grids)))
    (tmp_path / "paper.tex").write_text(paper % "toy-scale" if paper else r"\input{toy-scale}")
    wide = re.findall(r"Overfull \\hbox \(([\d.]+)pt", compiled(tmp_path, "paper"))
    assert [points for points in wide if float(points) > 5] == []


@needs_pdflatex
def test_a_paper_can_input_a_table_of_many_columns(tmp_path):
    """Each column is a float, and LaTeX keeps only so many waiting."""
    page = made_up.page(made_up.full())
    many = replace(page.grids[0], blocks=page.grids[0].blocks * 60)
    (tmp_path / "toy-scale.tex").write_text(latex.page(replace(page, grids=(many,))))
    article = r"\documentclass{article}\usepackage{amssymb,array,booktabs}\begin{document}\input{toy-scale}\end{document}"
    (tmp_path / "paper.tex").write_text(article)
    compiled(tmp_path, "paper")
