"""What is no record: said in one line that names the file and the place, whatever is wrong inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmbench import bulk, paths, sound
from mmbench.errors import UserError
from mmbench.found import SHIPPED
from tests import samples

FILE = Path(f"{samples.job().key}-s0.json")


def changed(place: str, value: object) -> dict:
    record = json.loads(json.dumps(samples.record()))
    *above, last = place.split("/")
    inner = record
    for name in above:
        inner = inner[name]
    inner[last] = value
    return record


def test_the_records_that_come_with_the_project_are_sound_and_of_their_runs():
    files = sorted((paths.REPOSITORY / "results" / "runs" / SHIPPED).rglob("*.json"))
    assert len(files) > 100
    assert [answer for answer in bulk.read(files) if isinstance(answer, str)] == []


def test_a_record_of_ours_is_sound():
    assert sound.parse(json.dumps(samples.record()).encode(), FILE) == samples.record()
    gone = samples.record(status="diverged", result={"selections": {}, "train_loss": None, "status": "diverged"})
    assert sound.parse(json.dumps(gone).encode(), FILE) == gone


@pytest.mark.parametrize("text", ["\x1b[31mred", "one\ntwo", "nul\0", "\u202egnp.exe", "\x7f", "\ud800"])
@pytest.mark.parametrize("ascii", [True, False])
def test_what_a_terminal_or_a_page_would_obey_and_not_show_is_in_no_record(text, ascii):
    for place in ("signature", "environment/device", "result/evaluated"):
        value = {text: 3} if place == "result/evaluated" else text
        content = json.dumps(changed(place, value), ensure_ascii=ascii).encode(errors="surrogatepass")
        with pytest.raises(UserError, match=r"control characters, which no record|truncated or no JSON"):
            sound.parse(content, FILE)


def test_letters_of_any_language_and_backslashes_are_text():
    for text in ("Überprüfung γ → 日本", "C:\\new\\table", 'a "quoted" word'):
        for ascii in (True, False):
            assert sound.parse(json.dumps(changed("signature", text), ensure_ascii=ascii).encode(), FILE)["signature"] == text


@pytest.mark.parametrize(("place", "value", "says"), [
    ("result/selections", 3, "'result.selections' should be dict"),
    ("result/selections/last", [], "'result.selections.last.values' should be dict"),
    ("result/selections/last/values", None, "'result.selections.last.values' should be dict"),
    ("result/selections/last/epoch", None, "'result.selections.last.epoch' should be int"),
    ("result/selections/last/values/accuracy", "91", "'result.selections.last.values.accuracy' should be a finite number"),
    ("result/selections/last/values/accuracy", None, "'result.selections.last.values.accuracy' should be a finite number"),
    ("result/selections/last/values/accuracy", 1e61, "'result.selections.last.values.accuracy' should be a finite number, at most 1e+60"),
    ("result/evaluated", None, "'result.evaluated' should be dict"),
    ("result/evaluated/test", "all", "'result.evaluated.test' should be a whole number from 0 to 1e+12"),
    ("result/evaluated/test", None, "'result.evaluated.test' should be a whole number from 0 to 1e+12"),
    ("result/evaluated/test", True, "'result.evaluated.test' should be a whole number from 0 to 1e+12"),
    ("result/weights_sha256", None, "'result.weights_sha256' should be str"),
    ("result/train_loss", "low", "'result.train_loss' should be a finite number"),
    ("result/train_loss", -1e61, "'result.train_loss' should be a finite number"),
    ("run/dataset", None, "'run.dataset' should be str"),
    ("run/dataset", "a|b", "the names of its data, device, commit or versions hold a '|'"),
    ("run/versions", [1], "'run.versions' should be dict"),
    ("data/fingerprint", 7, "'data.fingerprint' should be str"),
    ("data/stand_in", None, "'data.stand_in' should be bool"),
    ("environment/device_kind", ["cpu"], "'environment.device_kind' should be str"),
    ("environment/device_kind", "cpu|cuda", "the names of its data, device, commit or versions hold a '|'"),
    ("environment/commit", "a|b", "the names of its data, device, commit or versions hold a '|'"),
    ("environment/versions/torch", "2|3", "the names of its data, device, commit or versions hold a '|'"),
    ("environment/versions/torch", 2.11, "each of 'environment.versions' should be str"),
    ("environment/seconds", 4.5, "'environment.seconds' should be dict"),
    ("environment/seconds", {}, "'environment.seconds.total' should be a finite number from 0 to 1e+12"),
    ("environment/seconds/total", None, "'environment.seconds.total' should be a finite number from 0 to 1e+12"),
    ("environment/seconds/load", "long", "'environment.seconds.load' should be a finite number from 0 to 1e+12"),
    ("environment/seconds/load", -1, "'environment.seconds.load' should be a finite number from 0 to 1e+12"),
    ("environment/peak_memory_mb", {}, "'environment.peak_memory_mb' should be a finite number from 0 to 1e+12"),
    ("environment/peak_memory_mb", None, "'environment.peak_memory_mb' should be a finite number from 0 to 1e+12"),
    ("environment/started", 0, "'environment.started' should be str"),
    ("environment/user", "me", "it has 'user'"),
    ("schema", 0, "is no record of schema 1"),
    ("schema", 2, "is no record of schema 1"),
    ("seed", "0", "'seed' should be int"),
])  # fmt: skip
def test_what_every_reader_relies_on(place, value, says):
    with pytest.raises(UserError) as error:
        sound.parse(json.dumps(changed(place, value)).encode(), FILE)
    assert says in str(error.value)
    assert str(error.value).startswith(str(FILE))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_value_that_is_no_finite_number(word):
    text = json.dumps(samples.record()).replace("0.9125", word)
    with pytest.raises(UserError, match=f"holds {word}, which no record does"):
        sound.parse(text.encode(), FILE)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"not JSON"])
def test_what_is_no_json(content):
    with pytest.raises(UserError, match="is truncated or no JSON"):
        sound.parse(content, FILE)


def test_what_is_nested_too_deeply_for_anything_that_looks_at_it():
    for ends in ("Ü", "u"):
        content = json.dumps(changed("run/params", "HERE")).replace('"HERE"', "[" * 900 + f'"{ends}"' + "]" * 900).encode()
        with pytest.raises(UserError, match=r"its content is nested too deeply|its key is not that of its run, which is none") as error:
            sound.complain_about_key(sound.parse(content, FILE), FILE)
        assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"record"'])
def test_json_that_is_no_record(content):
    with pytest.raises(UserError, match="is no record of schema 1"):
        sound.parse(content, FILE)
