"""What stands in which order, for every renderer."""

from __future__ import annotations

from dataclasses import replace

from mmbench import layout
from mmbench.layout import Style
from mmbench.provenance import Provenance
from tests import made_up

PLAIN = Style(str, lambda mark: f"({mark})", bold=str, note=lambda id: f"[{id}]")


def test_columns_without_content_are_left_out():
    section = made_up.section(made_up.demo())
    headers, rows = layout.values(section, section.blocks[0], PLAIN)
    assert headers == ["s", "published, on CREMA-D", "measured on av-digits at best-test", "n", "verdict", "at last", "remark"]
    assert {len(row) for row in rows} == {len(headers)}
    section = made_up.section(made_up.untouched())
    assert layout.values(section, section.blocks[0], PLAIN)[0] == ["s", "published", "reproduced at best-test", "verdict"]


def test_a_word_has_a_sign_only_with_a_mark():
    assert PLAIN.verdict("yes", "holds") == "(yes) holds"
    assert PLAIN.verdict("", "seen") == "seen"


def test_claims_are_headed_by_where_they_were_looked_for():
    assert layout.claims(made_up.section(made_up.full()), PLAIN)[0][0] == "verdict"
    assert layout.claims(made_up.section(made_up.demo()), PLAIN)[0][0] == "on the stand-in"
    assert layout.claims(made_up.section(replace(made_up.demo(), scale="small")), PLAIN)[0][0] == "on this part"


def test_a_column_that_was_not_run_is_shown_only_where_it_is_judged():
    for verdict, shown in ((made_up.full(), True), (made_up.demo(), False)):
        values = tuple(replace(v, mean=None) for v in verdict.values)
        section = made_up.section(replace(verdict, values=values))
        assert layout.shown(section, section.blocks[0]) is shown


def test_origin_prints_only_what_records_say():
    said = dict(layout.origin(made_up.section(made_up.full()).provenance))
    assert said["runs"] == "5 (1 setting, 5 seeds), group local"
    assert said["time"] == "2 min 32 s in total, at most 400 MB, newest run 2026-11-21T07:04:00Z"
    assert dict(layout.origin(Provenance()))["commit"] == "–"
