"""The HTML in headless Chromium, opened from disk: it renders, filters, copies, fits a phone and obeys the keyboard."""

from __future__ import annotations

import re

import pytest

from tests import generated
from tests.render import browser, sites

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="chromium is not installed")

ITEMS = ".claims tbody tr:not(.of),.grid td:not(:empty)"
SHOWN = f"""[...document.querySelectorAll("{ITEMS}")]
  .filter(e => (e.tagName === "TD" ? e.firstElementChild : e).checkVisibility({{visibilityProperty: true}}))"""
FOCUSABLE = "[...document.querySelectorAll('a[href],button,summary,select')].filter(e => e.checkVisibility())"
# What reaches out of a window of this width, and is not cut off by what it stands in. (Of a phone, innerWidth grows with the page.)
WIDER = """[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > %d + 1 && e.checkVisibility()
  && !e.closest(".sr,thead")).map(e => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`)"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser.started(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The golden's tables, on the paper's data and on a stand-in."""
    return sites.save(sites.golden(), tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The page of all tables, of which everything that can be run was run."""
    folder = tmp_path_factory.mktemp("whole")
    with sites.results(folder):
        list(generated.write(generated.cells(["full", "demo"], ["paper"]), range(2)))
        return sites.save(sites.build(), folder / "tables")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_renders_fits_and_complains_of_nothing(tab, site, width, dark):
    for file in sorted(site.glob("*.html")):
        tab.open(file, width, dark=dark)
        assert tab.errors == [], file.name
        assert tab.ask("document.querySelector('main').innerText.length") > 200, file.name
        assert tab.ask("document.documentElement.scrollWidth") <= width, file.name
        assert (file.name, tab.ask(WIDER % width)) == (file.name, [])


def test_the_whole_suite_fits_a_phone_also_with_every_value_opened(tab, whole):
    for name in ("index.html", "arl-fusion.html", "smv-sample-function.html"):
        tab.open(whole / name, 360)
        assert (tab.errors, tab.ask("document.documentElement.scrollWidth"), tab.ask(WIDER % 360)) == ([], 360, []), name
        tab.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert tab.ask("document.documentElement.scrollWidth") == 360, name


def test_light_and_dark_are_two_looks(tab, site):
    looks = []
    for dark in (False, True):
        tab.open(site / "index.html", dark=dark)
        looks.append(tab.ask("['body', 'td.yes'].map(e => getComputedStyle(document.querySelector(e)).backgroundColor)"))
    assert looks == [["rgb(255, 255, 255)", "rgb(217, 239, 225)"], ["rgb(20, 23, 27)", "rgb(23, 60, 41)"]]


def choose(tab: browser.Browser, name: str, value: str) -> None:
    tab.ask(f"document.querySelector('[name={name}]').value = '{value}'")
    tab.ask(f"document.querySelector('[name={name}]').dispatchEvent(new Event('change', {{bubbles: true}}))")


def shown(tab: browser.Browser, what: str) -> list[str]:
    return sorted(set(tab.ask(f"{SHOWN}.map(e => {what})")))


def test_filters_filter(tab, whole):
    tab.open(whole / "index.html")
    everything = tab.ask(f"{SHOWN}.length")
    assert everything == tab.ask(f"document.querySelectorAll('{ITEMS}').length") > 500
    choose(tab, "paper", "arl")
    assert shown(tab, "e.closest('[data-paper]').dataset.paper") == ["arl"]
    choose(tab, "dataset", "crema-d")
    assert all("crema-d" in found for found in shown(tab, "about(e, 'd')"))
    choose(tab, "method", "arl")
    assert all("arl" in found.split() for found in shown(tab, "about(e, 'm')"))
    of_arl = tab.ask(f"{SHOWN}.length")
    choose(tab, "verdict", "holds")
    assert shown(tab, "verdict(e)") == ["holds"]
    claims = tab.ask(f"{SHOWN}.length")
    assert 0 < claims < of_arl < everything
    assert tab.ask("document.querySelector('form output').textContent").startswith(f"{claims} of ")
    assert tab.ask("document.querySelector('#values-real').checkVisibility()") is False  # a heading over nothing goes too
    tab.ask("document.querySelector('[type=reset]').click()")
    assert tab.ask(f"new Promise(done => setTimeout(() => done({SHOWN}.length), 50))") == everything


def pasted(tab: browser.Browser) -> str:
    """What stands on the clipboard, by pasting it into a field."""
    tab.ask(
        "document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'})); document.getElementById('paste').focus()"
    )
    tab.call("Input.dispatchKeyEvent", type="keyDown", key="v", code="KeyV", windowsVirtualKeyCode=86, modifiers=2, commands=["paste"])
    return tab.ask("document.getElementById('paste').value")


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "no clipboard"])
def test_the_copy_button_copies(tab, site, clipboard):
    tab.open(site / "index.html")
    if not clipboard:  # as where a browser refuses it to a page from disk
        tab.ask("navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))")
    command = tab.ask("document.querySelector('.claims .cmd code').textContent")
    tab.ask("document.querySelector('.claims .cmd .copy').click(); new Promise(done => setTimeout(done, 100))")
    assert tab.ask("document.getElementById('toast').textContent") == "Copied."
    assert pasted(tab) == command
    assert command.startswith("make table-")


def test_an_opened_value_says_how_it_was_made_and_copies_that(tab, site):
    tab.open(site / "arl-gamma.html")
    tab.ask("document.querySelector('td.yes summary, td.no summary').click(); new Promise(done => setTimeout(done, 100))")
    codes = tab.ask("[...document.querySelectorAll('details[open] kbd')].map(e => e.textContent)")
    assert codes[0].startswith("mmbench run arl-gamma:gamma-")
    assert codes[0].endswith(":acc; mmbench report")
    assert codes[1].startswith("cell:arl-gamma:gamma-")
    for part in ("|key:", "|seeds:0-4|", "|scale:full|", "|data:crema-d@", "|commit:efefefefef"):
        assert codes[1].count(part) == 1
    tab.ask("document.querySelectorAll('details[open] .copy')[1].click(); new Promise(done => setTimeout(done, 100))")
    assert pasted(tab) == codes[1]


def test_a_row_says_what_its_values_share_and_so_does_an_opened_value_of_it(tab, whole):
    tab.open(whole / "arl-fusion.html")
    row = "document.querySelector('.grid tbody th details')"
    tab.ask(f"{row}.querySelector('summary').click(); new Promise(done => setTimeout(done, 100))")
    said = tab.ask(f"{row}.lastElementChild.innerText")
    assert "head = concat\nmethod = joint" in said
    tab.ask(f"{row}.closest('tr').querySelector('td summary').click(); new Promise(done => setTimeout(done, 100))")
    assert tab.ask(f"{row}.open") is False
    assert "head = concat\nmethod = joint" in tab.ask("document.querySelector('td details[open]').lastElementChild.innerText")


def test_without_scripts_all_can_be_read(tab, site):
    """The style shows a command and a signature whole; a table is one, with its headers, for whoever hears it."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(site / "arl-gamma.html")
        tab.ask("document.querySelectorAll('.grid details').forEach(d => { d.open = true; })")
        nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
    read = [(node.get("role", {}).get("value"), node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]
    text = "".join(name for role, name in read if role == "StaticText")
    assert "mmbench run arl-gamma:gamma-4:acc; mmbench report" in text
    assert "mmbench run arl-gamma:gamma-4:acc --scale demo; mmbench report" in text
    assert re.search(r"key:[0-9a-f]{12}\|mmbench:[^|]+\|scale:full\|", text)
    roles = [role for role, _ in read]
    assert roles.count("rowheader") == tab.ask("document.querySelectorAll('tbody th').length")
    assert roles.count("columnheader") == tab.ask("document.querySelectorAll('thead th').length")


def test_one_value_is_open_at_a_time(tab, site):
    tab.open(site / "arl-gamma.html")
    for number in (0, 1):
        tab.ask(f"document.querySelectorAll('.grid summary')[{number}].click(); new Promise(done => setTimeout(done, 100))")
    assert tab.ask("[...document.querySelectorAll('.grid details')].slice(0, 2).map(d => d.open)") == [False, True]
    tab.ask("document.querySelector('h1').click()")
    assert tab.ask("document.querySelectorAll('.grid details[open]').length") == 0


def test_the_keyboard_reaches_everything(tab, site):
    tab.open(site / "arl-gamma.html")
    reached: list[str] = []
    wanted = set(tab.ask(f"{FOCUSABLE}.map((e, i) => (e.dataset.number = String(i)))"))
    for _ in range(len(wanted) + 2):
        tab.press("Tab")
        reached.append(tab.ask("document.activeElement.dataset.number || ''"))
    assert tab.ask("document.querySelector('[data-number=\"0\"]').textContent") == "Skip to the content"
    assert reached[0] == "0"
    assert wanted - set(reached) == set()


def test_enter_opens_a_value_and_escape_closes_it(tab, site):
    tab.open(site / "arl-gamma.html")
    tab.ask("document.querySelector('.grid summary').focus()")
    tab.press("Enter")
    tab.ask("new Promise(done => setTimeout(done, 100))")
    assert tab.ask("document.querySelector('.grid details').open") is True
    tab.press("Tab")
    assert tab.ask("document.activeElement.closest('details[open]') !== null")
    tab.press("Escape")
    assert tab.ask("document.querySelector('.grid details').open") is False
    assert tab.ask("document.activeElement === document.querySelector('.grid summary')")
    assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("width", [360, 1280])
def test_whoever_hears_the_page_hears_tables(tab, site, width):
    """A narrow screen shows cards, but the roles stay."""
    tab.open(site / "arl-gamma.html", width)
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node.get("role", {}).get("value") for node in nodes]
    assert {"banner", "navigation", "main", "contentinfo", "table", "row", "cell", "rowheader", "columnheader"} <= set(roles)
    assert roles.count("table") == tab.ask("[...document.querySelectorAll('table')].filter(e => e.checkVisibility()).length")


def test_an_address_with_a_note_opens_what_hides_it(tab, whole):
    tab.open(whole / "index.html")
    tab.ask("location.hash = 'arl.unimodal'; new Promise(done => setTimeout(done, 100))")
    assert tab.ask("document.getElementById('arl.unimodal').checkVisibility()") is True
