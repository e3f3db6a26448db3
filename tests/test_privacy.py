"""No user name, host name, absolute path or environment variable gets into a record: it is refused at the write."""

from __future__ import annotations

import getpass
import os
import platform
import socket

import pytest

from mmbench import records
from mmbench.errors import UserError
from tests import samples


@pytest.fixture
def _somebody(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(socket, "gethostname", lambda: "engine-7.local")
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")


@pytest.mark.usefixtures("_somebody")
@pytest.mark.parametrize(("section", "content", "what"), [
    ("environment", {"device": "/home/ada/gpu"}, "an absolute path"),
    ("environment", {"device": "loaded from ~/weights"}, "an absolute path"),
    ("data", {"version": "C:\\data\\1"}, "an absolute path"),
    ("run", {"weights": {"audio": "/mnt/w/resnet18.pth"}}, "an absolute path"),
    ("signature", "mmbench 0.1.0|data=/srv/crema-d|seed=0", "an absolute path"),
    ("environment", {"device": "x86_64 of ada"}, "the user name"),
    ("environment", {"versions": {"torch": "2.11.0", "host": "engine-7.local"}}, "the host name"),
    ("data", {"version": "1 engine-7.local"}, "the host name"),
    ("signature", "mmbench 0.1.0|seed=0|ada", "the user name"),
    ("signature", "mmbench 0.1.0 SECRET_TOKEN=hunter2", "an environment variable"),
])  # fmt: skip
def test_what_would_tell_who_and_where_is_refused(section, content, what):
    with pytest.raises(UserError, match=what):
        records.write(samples.record(**{section: content}), {}, {})
    assert records.files() == []


def test_fields_that_no_schema_names_are_refused():
    with pytest.raises(UserError, match="it has 'cwd'"):
        records.write(samples.record(environment={"cwd": "results"}), {}, {})


@pytest.mark.parametrize("name", ["arl", "cosine", "local", "mmbench", "test", "last", "accuracy", "cpu", "torch", "plain"])
def test_a_user_called_like_a_word_of_the_run_can_record(monkeypatch, name):
    monkeypatch.setattr(getpass, "getuser", lambda: name)
    job = samples.job(method="arl")
    assert records.write(samples.record(job, signature="mmbench 0.1.0|arl|cosine|seed=0|torch=2.11.0|cpu"), {}, {}) is not None


def test_a_ratio_and_a_nested_name_are_no_paths():
    assert records.leak(samples.record(signature="mmbench 0.1.0|av-digits/standard/standard|best-test/raw|a/b")) is None


def test_a_process_without_a_user_name_can_record(monkeypatch):
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert records.write(samples.record(), {}, {}) is not None


def test_the_true_names_of_this_machine_stand_in_no_record():
    written = records.write(samples.record(environment={"device": platform.machine()}), {}, {})
    assert written is not None
    text = written.read_text()
    assert os.path.expanduser("~") not in text
    assert str(written.parent) not in text
