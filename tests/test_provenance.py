"""Where numbers come from, and the line to paste beside one."""

from __future__ import annotations

from mmbench import layout, provenance
from tests import made_up


def test_records_are_summed_up():
    found = provenance.gather([made_up.record(0), made_up.record(1, dirty=True, commit="fedcba9876543210")])
    assert (found.runs, found.settings, found.seeds, found.dirty) == (2, 1, (0, 1), 1)
    assert found.commits == ("0123456789", "fedcba9876")
    assert found.data == ("crema-d 1 (3f2a91c0d4)",)
    assert found.components == ("head:cosine@1", "loop@1")
    assert (found.seconds, found.peak_memory_mb, found.newest) == (61.0, 400, "2026-11-21T07:01:00Z")


def test_the_order_of_records_changes_nothing():
    records = [made_up.record(seed) for seed in range(4)]
    assert provenance.gather(records) == provenance.gather(records[::-1])


def test_no_record_is_no_provenance():
    assert provenance.gather([]) == provenance.Provenance()


def test_the_signature_is_one_line_with_everything_that_could_change_the_number():
    origin = provenance.gather([made_up.record(seed) for seed in (0, 1, 2, 5)])
    assert provenance.signature(made_up.full(), ["best-test"], origin) == (
        "mmbench:0.1.0|table:toy-scale|scale:full|reading:paper|select:best-test|data:crema-d@1(3f2a91c0d4)|runs:1x4|seeds:0-2,5|"
        "device:cpu|torch:2.11.0|commit:0123456789"
    )


def test_settings_with_fewer_seeds_than_others_are_not_passed_off_as_whole():
    whole = [made_up.record(seed, "crema-d") for seed in range(5)]
    single = made_up.record(0, "av-digits")
    origin = provenance.gather([*whole, single])
    assert (origin.runs, origin.settings, origin.fewest) == (6, 2, 1)
    assert "|runs:6 of 2x5|seeds:0-4|" in provenance.signature(made_up.full(), [], origin)
    assert dict(layout.origin(origin))["runs"] == "6 (2 settings, 1 to 5 seeds), group local"
    assert provenance.merge([provenance.gather(whole), provenance.gather([single])]) == origin


def test_a_dirty_tree_shows_in_the_signature():
    assert provenance.signature(made_up.full(), [], provenance.gather([made_up.record(dirty=True)])).endswith("commit:0123456789-dirty")


def test_durations():
    assert [provenance.duration(s) for s in (41.6, 200, 3600 * 5 + 190)] == ["42 s", "3 min 20 s", "5 h 03 min"]


def test_merged_by_key_is_what_all_records_together_say():
    several = {dataset: [made_up.record(seed, dataset, device=f"gpu {seed}") for seed in range(3)] for dataset in ("crema-d", "av-digits")}
    whole = provenance.gather([record for found in several.values() for record in found])
    assert provenance.merge(map(provenance.gather, several.values())) == whole
    assert provenance.merge([]) == provenance.gather([])


def test_the_parts_of_a_signature_are_what_was_recorded_whatever_stands_in_it():
    origin = provenance.gather([made_up.record(commit="a|b:c")])
    parts = provenance.parts({"scale": "demo", "reading": ""}, ["last", "best-test"], origin)
    assert (parts["commit"], parts["select"], list(parts)[:2]) == ("a|b:c", "last+best-test", ["mmbench", "scale"])
    assert provenance.line({"scale": "demo"}, ["last", "best-test"], origin).endswith("|torch:2.11.0|commit:a|b:c")
