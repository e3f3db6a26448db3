"""What the verbs answer beside the work itself: names, forecasts, lists, imitations."""

from __future__ import annotations

import json

import pytest

from datasets_prep import catalogue, verbs
from mmbench import published
from mmbench.errors import UserError


def test_the_list_names_every_dataset_and_what_is_prepared(crema):
    answer = verbs.list_(crema.store())
    assert json.loads(json.dumps(answer.data)) == answer.data
    entries = {entry["id"]: entry for entry in answer.data}
    assert set(entries) == set(published.datasets())
    assert "arl-gamma" in entries["crema-d"]["tables"]
    assert entries["crema-d"]["prepared"]["items"] == 26
    assert entries["crema-d"]["prepared"]["imitation"]
    assert entries["ucf101"]["prepared"] is None
    assert entries["av-digits"]["preparation"] == "ships"
    told = ("title", "licence", "access", "size", "url", "modalities", "splits", "preparation")
    assert [(entry["id"], field) for entry in answer.data for field in told if not entry[field]] == []
    assert "26 items (imitation)" in answer.text
    assert "\n  mm-debiased: smv-debiased" in answer.text
    assert "read by kinetics-sounds, mm-debiased" in answer.text
    sources = {entry["id"]: entry["read_by"] for entry in answer.data if entry["preparation"] == "source"}
    assert {id: set(by) for id, by in sources.items()} == {id: set(by) for id, by in catalogue.READERS.items()}
    assert not any(set(by) - set(catalogue.MODULES) for by in sources.values())
    assert all(entry["tables"] or entry["read_by"] or entry["stand_in"] for entry in answer.data)
    assert {id for id, entry in entries.items() if entry["preparation"] == "written"} == set(catalogue.MODULES)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cremad", "unknown dataset 'cremad'; did you mean 'crema-d'"),
        ("av-digits", "ships with mmbench: there is nothing to prepare"),
        ("kinetics-400", "a source, .* 'mmbench data prepare kinetics-sounds --raw DIR' or '.* mm-debiased --raw kinetics-400=DIR'"),
    ],
)
def test_names_that_cannot_be_prepared(name, says):
    if name in catalogue.MODULES:
        pytest.skip(f"{name} can be prepared by now")
    with pytest.raises(UserError, match=says):
        verbs.prepare(name, ["."])


def test_a_number_of_jobs_that_is_none(crema, tmp_path):
    with pytest.raises(UserError, match="the number of jobs at once is -1: give 1 or more"):
        verbs.prepare("crema-d", [str(crema.raw())], jobs=-1, root=tmp_path)


def test_an_imitation_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/raw: cannot be written \(Not a directory\)"):
        verbs.imitate("caltech101-20", tmp_path / "file/raw")


def test_disk_memory_and_time_are_said_before_the_start(crema, tmp_path, capsys):
    crema.prepare(tmp_path, only=["middle"])
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("crema-d: 26 items, middle: about 0.0 GB of disk (")
    assert "GB free), 0.3 GB of memory, 2 s with 0 processes" in first


def test_a_misspelt_recipe_or_split(crema, tmp_path):
    with pytest.raises(UserError, match="unknown preparation or array of crema-d 'stft-257x118'; did you mean 'stft-257x188'"):
        crema.prepare(tmp_path, only=["stft-257x118"])
    with pytest.raises(UserError, match="split 'ogn' of crema-d: no such split; here: ogm, ogm-val"):
        crema.prepare(tmp_path, split="ogn")
    assert not (tmp_path / "crema-d").exists()


def test_an_imitation_never_mixes_with_other_files(every, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match="is not empty: name a new folder"):
        verbs.imitate(every.dataset, tmp_path)
    with pytest.raises(UserError, match="unknown defect 'zero-byte'; did you mean 'zero-bytes'"):
        verbs.imitate(every.dataset, tmp_path / "new", ["zero-byte"])
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_imitations_say_so(every):
    assert "not real data" in (every.raw() / "IMITATION.txt").read_text()
    answer = verbs.verify(every.dataset, root=every.store())
    assert answer.data["imitation"]
    assert "(an imitation)" in answer.text
    assert not answer.data["comparable"]


def test_every_array_and_preparation_is_described(every):
    dataset = catalogue.load(every.dataset)
    facts = published.datasets()[every.dataset]
    assert dataset.arrays.keys() >= {
        a for of in dataset.preparations.values() for g in of.values() for a in ([g] if isinstance(g, str) else g.values())
    }
    assert all(array.says for array in dataset.arrays.values())
    assert facts.preparation in dataset.preparations
    assert set(facts.modalities) == set(dataset.preparations[facts.preparation])
    assert not dataset.classes or len(next(iter(dataset.classes.values()))) == facts.classes
    assert bool(dataset.classes) != (every.dataset == "voxceleb2"), "where only the raw folders can tell the classes"
    for split, parts in facts.splits.items():
        for part, count in parts.items():
            if part in dataset.expected.counts.get(split, {}):
                assert sum(dataset.expected.counts[split][part].values()) == count
