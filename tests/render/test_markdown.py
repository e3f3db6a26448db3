"""The page as GitHub shows it, and as a terminal does."""

from __future__ import annotations

from dataclasses import replace

from mmbench import wording
from mmbench.render import markdown
from tests import made_up


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")]


def test_claims_come_before_values_and_the_banner_before_both():
    text = markdown.page(made_up.page(made_up.full(), made_up.demo()), {})
    order = [text.index(part) for part in ("> **This page has numbers", "### Claims", "### Values", "## On a stand-in", "## To go on")]
    assert order == sorted(order)


def test_a_row_says_published_reproduced_and_verdict():
    found = rows(markdown.page(made_up.page(made_up.full()), {}))
    assert ["vanilla", "60.08", "60.20 ± 0.40", "5", "+0.12", "59.00 to 61.40", "✓ reproduced", "59.30", ""] in found
    assert ["✓ holds", "“s = 4 beats the baseline” (tested: s = 4 better than vanilla)"] in [row[:2] for row in found]


def test_no_verdict_word_or_sign_stands_in_a_stand_ins_block():
    text = markdown.page(made_up.page(made_up.untouched(), made_up.demo()), {})
    block = text[text.index("## On a stand-in") :]
    for word in ("reproduced", "holds", "fails", "consistent", *markdown.SIGNS.values()):
        assert word not in block.replace("?raw", "")
    assert "| seen " in block
    assert "published, on CREMA-D" in block
    assert "measured on av-digits" in block


def test_footnotes_and_what_holds_everywhere():
    text = markdown.page(made_up.page(made_up.full()), {})
    assert "| 4[^toy.four] " in text
    assert "\n[^toy.four]: **toy.four** printed twice, as 64.10 & 65_10\n" in text
    assert "\n- **toy.all** one frame, the `middle` one\n" in text


def test_the_command_the_signature_and_the_picture_are_there():
    text = markdown.page(made_up.page(made_up.demo()), {"demo": "toy-scale-demo.svg"})
    assert "```sh\nmake table-toy-scale SCALE=demo\n```" in text
    assert "\n```\nmmbench:0.1.0|table:toy-scale|scale:demo|" in text
    assert "](toy-scale-demo.svg)" in text


def test_a_page_without_runs_says_what_to_run():
    text = markdown.page(made_up.page(made_up.untouched()), {})
    assert "> **Nothing on this page has been run yet" in text
    assert "- 5 values blocked: crema-d is not prepared" in text
    assert "`make table-toy-scale`" in text
    assert "64.10" in text  # what the paper prints is shown all the same


def test_text_from_records_cannot_become_markup():
    page = made_up.page(made_up.full())
    evil = made_up.section(made_up.full(), device="<script>|`x`</script>", versions={"torch": "*<b>*"})
    text = markdown.page(replace(page, grids=(evil,)), {})
    assert "<script" not in text
    assert "torch \\*&lt;b&gt;\\*" in text
    assert "&lt;script&gt;\\|\\`x\\`&lt;/script&gt;" in text


def test_escaping():
    assert markdown.escape("a|b *c* _d_ [e](f) `g` <h> & $i$ #j\nk") == (
        "a\\|b \\*c\\* \\_d\\_ \\[e\\](f) \\`g\\` &lt;h&gt; &amp; \\$i\\$ \\#j k"
    )


def test_the_terminal_shows_the_same_without_markup():
    text = markdown.text(made_up.page(made_up.untouched(), made_up.demo()))
    assert "no number on this page is judged" in text
    assert "4        64.10" in text
    for mark in ("[^", "**", "](", "\\"):
        assert mark not in text


def test_how_the_intervals_of_claims_are_read_is_said_below_them():
    text = markdown.page(made_up.page(made_up.full()), {})
    assert text.index("### Claims") < text.index(wording.BOUNDS) < text.index("### Values")
    assert wording.BOUNDS not in markdown.page(made_up.page(made_up.untouched()), {})
