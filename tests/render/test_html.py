"""The HTML of the suite, read as text: what is on it, where its links lead, and that nothing from a record becomes markup."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from mmbench import details, layout, published, records, report, suite
from mmbench.grid import MARKS
from mmbench.render import attributes, html
from tests import generated, made_up
from tests.golden import make_report
from tests.render import sites
from tests.render.reading import Document, read

LIMIT = 2 * 1024**2  # bytes of HTML
EVIL = "<script>alert(1)</script><img src=x onerror='alert(2)'> & \"quoted\" {{ 7*7 }} \\input{secret} $x_1$ %"


@pytest.fixture(scope="module")
def golden() -> dict[str, str]:
    return sites.golden(pictures=["arl-gamma-demo.svg"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, str]:
    """All tables, each of whose cells was run with two seeds: on the papers' data and on stand-ins, in both readings."""
    with sites.results(tmp_path_factory.mktemp("whole")):
        list(generated.write(generated.cells(["full", "demo"]), range(2)))
        return sites.build()


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> dict[str, str]:
    with sites.results(tmp_path_factory.mktemp("empty")):
        return sites.build()


def pages(site: dict[str, str]) -> dict[str, Document]:
    return {name: read(text) for name, text in site.items() if name.endswith(".html")}


def toy(**around) -> str:
    """The index of a suite of one made-up table with a stand-in section and one on the paper's data."""
    page = made_up.page(made_up.full(), made_up.demo())
    page = type(page)(page.table, page.citation, page.banner, tuple(made_up.section(v(), **around) for v in (made_up.full, made_up.demo)),
                      page.todo)  # fmt: skip
    paper = suite.Paper("toy", EVIL, "NOWHERE 2026", EVIL, "", (page,), {"toy.all": EVIL, "toy.four": "four"})
    content = suite.Suite((paper,), made_up.TITLES, {"a": page.grids[0].provenance})
    return "".join(text for name, text in html.files(content, {}, ()) if name.endswith(".html"))


def test_the_same_records_give_the_same_bytes(golden):
    assert sites.golden(pictures=["arl-gamma-demo.svg"]) == golden


def test_every_page_is_well_formed_and_has_each_id_once(golden, whole, empty):
    for site in (golden, whole, empty):
        for name, page in pages(site).items():
            assert page.html.lstrip().startswith("<!doctype html>"), name
            assert [id for id, n in Counter(page.ids).items() if n > 1] == [], name


def test_every_link_leads_somewhere(golden, whole):
    for site, beside in ((golden, {"arl-gamma-demo.svg"}), (whole, set())):
        found = pages(site)
        ids = {name: {*page.ids} for name, page in found.items()}
        texts = {f"{name.removesuffix('.html')}{end}" for name in found for end in (".md", ".tex", "-macros.tex")}
        for name, page in found.items():
            for element in page.elements:
                for where in filter(None, (element.attributes.get("href"), element.attributes.get("src"))):
                    file, _, id = where.partition("#")
                    if where == "data:,":
                        continue
                    assert (file or name) in {*site, *texts, *beside}, f"{name}: {where}"
                    assert not id or id in ids[file or name], f"{name}: {where}"


def test_nothing_comes_from_the_network(whole):
    for name, text in whole.items():
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\(|@import|fetch\(", text), name


def test_data_sets_of_one_title_stand_in_order_of_their_ids(whole):
    options = re.findall(r'<option value="([^"]+)">([^<]+)', re.search(r'<select name="dataset">.*?</select>', whole["index.html"])[0])
    found = [(text.lower(), id) for id, text in options]
    assert ("ave", "ave-localisation") in pairwise(id for _, id in found)
    assert found == sorted(found)


def test_the_size(whole):
    """Of all pages together, with every value measured on everything: more than any report of today's records."""
    sizes = {name: len(text.encode()) for name, text in whole.items() if name.endswith(".html")}
    assert len(sizes) == len(published.ids()) + len(published.papers()) + len(html.SHEETS) + 1
    assert sum(sizes.values()) <= LIMIT, sizes


def test_text_of_a_suite_cannot_become_markup():
    text = toy(device=EVIL, versions={"torch": EVIL}, commit=EVIL)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "{{ 7*7 }}" in text  # and nothing was computed from it
    assert html.Markup.escape(EVIL) in text


def test_text_of_records_cannot_become_markup_on_any_page(tmp_path):
    """From the file to all three formats. In a path or a name such text cannot stand: the record would not be read."""
    folder = tmp_path / "results"
    shutil.copytree(make_report.HERE / "records", folder)
    for file in records_of(folder):
        record = json.loads(file.read_text())
        record["environment"] |= {"device": EVIL, "device_kind": "cpu<b>", "commit": "<i>\\end{x}", "versions": {"torch": EVIL, "<u>": "1"}}
        record["data"] |= {"version": EVIL}
        record["run"]["versions"] = {f"<em>{name}": version for name, version in record["run"]["versions"].items()}
        file.write_text(json.dumps(record) + "\n")
    with make_report.settings(folder), make_report.suite():
        for file in report.write(["arl-gamma", "mmcosine-scale"], out=tmp_path / "out"):
            if file.suffix in (".md", ".tex"):
                said = re.sub(r"```.*?```", "", file.read_text(), flags=re.S)
                assert not re.search(r"<(script|img|b|i|u|em)\b", said), file.name
                assert "\\input{secret}" not in said.replace("\\\\input", ""), file.name
    for name, text in sites.golden(folder).items():
        if name.endswith(".html"):
            assert {e.name for e in Document(text).elements} & {"img", "b", "i", "u", "em"} <= {"b", "i"}, name
            assert "<script>alert" not in text, name
            assert not re.search(r"<(i|b)>\\end|cpu<b>|<u>|<em>", text), name


def records_of(folder: Path) -> list[Path]:
    with make_report.settings(folder):
        return records.files([make_report.GROUP])


def test_a_suite_without_any_record_says_what_to_run(empty):
    index = read(empty["index.html"])
    assert "No run is recorded yet" in index.html
    assert {line for _, line in html.START} <= {e.text for e in index.all("code")}
    assert "make table-arl-gamma SCALE=demo" in [e.text for e in read(empty["arl-gamma.html"]).all("code")]
    assert "Nothing on this page has been run yet" in empty["arl-gamma.html"]
    assert "No run is recorded yet" in empty["costs.html"]
    assert "from 0 runs" in index.all("footer")[0].text
    words = {e.attributes["data-v"] for e in index.elements if "data-v" in e.attributes}
    words |= {e.text for e in index.all("b") if e.inside("td")}
    assert "missing" in words
    assert not words & {"holds", "fails", "seen", "not seen", "inconclusive", "close"}


def test_once_something_ran_no_page_says_that_nothing_did(golden):
    assert "No run is recorded yet" not in golden["index.html"]
    assert "from 60 runs; newest run 2026-11-21T07:04:00Z, commit efefefefef" in read(golden["index.html"]).all("footer")[0].text


def test_every_value_has_exactly_one_command_and_it_names_the_value(whole):
    """As it is shown: with what the style puts around the value's place."""
    index = read(whole["index.html"])
    values = [inside for value, inside in index.inside("td") if value.inside("table") and any(e.name == "details" for e in inside)]
    assert len(values) > 1000
    said = []
    for inside in values:
        command, *signature = [e for e in inside if e.name == "kbd"]
        said.append("".join((command.styled("r") or details.RUN, command.styled("t"), command.text, command.styled("e"))))
        assert len(signature) == ("mmbench run" in said[-1]), said[-1]
    assert len(said) == len({*said})
    assert "mmbench run arl-gamma:gamma-4:acc --scale demo --seeds 2; mmbench report" in said
    assert "mmbench run arl-gamma:gamma-4:acc --reading released --seeds 2; mmbench report" in said
    assert all(re.match(r"mmbench (run|show) [a-z0-9-]+:[a-z0-9.+-]+:[a-z0-9.+-]+( --|;|$)", line) for line in said)


def test_claims_come_first_and_stand_ins_are_apart(golden):
    text = golden["index.html"]
    places = [text.index(f'id="{id}"') for id in ("claims-real", "claims-standin", "values-real", "values-standin", "ledger")]
    assert places == sorted(places)
    standin = text[places[3] : places[4]]
    assert "not the papers" in standin
    marked = re.findall(r'<td class="(yes|near|open|no|broken)', standin)
    assert marked == []


def test_landmarks_headings_and_labels(whole):
    for name, page in pages(whole).items():
        assert page.all("html")[0].attributes["lang"] == "en"
        assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer", "h1", "title")] == [1] * 6, name
        assert page.all("nav")[0].attributes["aria-label"], name
        assert next(e for e in page.all("a")).attributes == {"class": "skip", "href": "#main"}
        levels = [int(e.name[1]) for e in page.elements if re.fullmatch("h[1-6]", e.name)]
        assert all(b <= a + 1 for a, b in pairwise(levels)), name
        for section in page.all("section"):
            assert section.attributes.get("aria-labelledby", page.ids[0]) in page.ids, name
        assert all(e.inside("label") or e.attributes.get("aria-label") for e in page.all("select")), name
        assert all(e.attributes.get("alt") for e in page.all("img")), name
        assert all(e.text.strip() for e in page.all("a")), name


def test_tables_have_captions_and_headers(whole):
    """A header without a scope is one of a column above, or of its row in a column of nothing but headers, by HTML's own rule."""
    for name, page in pages(whole).items():
        for table, inside in page.inside("table"):
            assert inside[0].name == "caption", name
            assert inside[0].text.strip(), name
            assert any(e.name == "th" and e.inside("thead") for e in inside), name
            assert not any(e.name == "td" and e.inside("thead") for e in inside), name
            rows = [(row, cells) for row, cells in page.inside("tr") if table in row.within and row.inside("tbody")]
            kinds = [[e.name for e in cells if e.within[-1] is row] for row, cells in rows if row.attributes.get("class") != "of"]
            assert len({kind.index("th") for kind in kinds}) <= 1, name
            assert all(kind.count("th") == 1 for kind in kinds), name
        assert {e.attributes.get("scope") for e in page.all("th")} <= {"col", None, "rowgroup"}, name


def test_a_table_has_no_more_columns_than_the_style_can_label(whole):
    for page in pages(whole).values():
        for head, inside in page.inside("thead"):
            assert len([e for e in inside if e.name == "th"]) <= attributes.COLUMNS + 1, head.within[-1].attributes


def colours(css: str) -> tuple[dict[str, str], dict[str, str]]:
    light, dark = (dict(re.findall(r"--([a-z]+):(#[0-9a-f]{3,6})", block)) for block in re.findall(r":root\{(.*?)\}", css, re.S)[:2])
    return light, light | dark


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast():
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_every_colour(golden, theme):
    """WCAG AA: 4.5 for text, 3 for the ring around what has the focus. A verdict is never told by colour alone."""
    found = colours(golden["style.css"])[theme]
    grounds = ["bg", "pane", *sorted(set(MARKS.values()))]
    poor = {(ink, ground): contrast(found[ink], found[ground]) for ink in ("ink", "soft") for ground in grounds}
    poor |= {("link", ground): contrast(found["link"], found[ground]) for ground in ("bg", "pane")}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}
    assert min(contrast(found["focus"], found[ground]) for ground in grounds) >= 3


def test_verdicts_have_words_and_signs_besides_their_colour(golden):
    index = read(golden["index.html"])
    coloured = [e for e in index.all("td") if set(e.attributes.get("class", "").split()) & set(html.SIGNS)]
    assert coloured
    for cell in coloured:
        assert any(word in cell.text for word in MARKS)
    for mark, sign in html.SIGNS.items():
        assert f"td.{mark} b:first-child::before{{content:'{sign} ';" in golden["style.css"]


def test_counts_are_those_of_the_pages(golden):
    with make_report.settings(make_report.HERE / "records"), make_report.suite():
        (page,) = report.pages(["arl-gamma"], narrow=False, scale="full")
    text = read(golden["paper-arl.html"]).html
    assert layout.counts(page.grids[0].counts) in text
