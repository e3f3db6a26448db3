"""Methods of other packages that are broken: one line, and only when asked for by name. The sound one stands in test_contributing."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from mmbench import registry
from mmbench.errors import UserError


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """offer(source, attribute): a distribution on the path that offers `odd` as module `odd_method`'s attribute."""

    def install(source: str, attribute: str) -> str:
        info = tmp_path / "site" / "odd-1.2.dist-info"
        info.mkdir(parents=True)
        (info.parent / "odd_method.py").write_text(source)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[mmbench.methods]\nodd = odd_method:{attribute}\n")
        monkeypatch.syspath_prepend(str(info.parent))
        importlib.invalidate_caches()
        registry.third_party.cache_clear()
        return str(info.parent)

    yield install
    registry.third_party.cache_clear()
    sys.modules.pop("odd_method", None)


DATACLASS = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Odd:\n"


@pytest.mark.parametrize(
    ("source", "attribute", "says"),
    [
        ("import no_such_module\n", "Odd", "method 'odd' of odd_method:Odd cannot be imported: ModuleNotFoundError: No module named"),
        ("raise ValueError('first\\nsecond')\n", "Odd", "cannot be imported: ValueError: first"),
        ("x = 1 / 0\n", "Odd", "cannot be imported: ZeroDivisionError: division by zero"),
        ("class Other: ...\n", "Odd", "cannot be imported: AttributeError"),
        ("class Odd: ...\n", "Odd", "expected a dataclass that extends mmbench.method.Method"),
        ("def odd(): ...\n", "odd", "expected a dataclass that extends mmbench.method.Method"),
        (DATACLASS + "    scales: list\n", "Odd", "parameters are int, float, bool or str, found scales: list"),
    ],
)
def test_a_broken_package_is_one_line(offer, source, attribute, says):
    offer(source, attribute)
    with pytest.raises(UserError) as caught:
        registry.entry("method", "odd")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_parameters_are_read_from_the_class_and_the_version_from_the_distribution(offer, future):
    offer(future + DATACLASS + '    """Odd.\n\n    More."""\n    scale: float\n    steps: int\n', "Odd")
    entry = registry.entry("method", "odd")
    assert (entry.where, entry.version, entry.says) == ("odd_method:Odd", "odd 1.2", "Odd.")
    assert entry.params == {"scale": "float", "steps": "int"}
    with pytest.raises(UserError, match="unknown method 'odder'"):
        registry.entry("method", "odder")


def test_a_broken_package_does_not_stop_what_does_not_ask_for_it(offer, monkeypatch):
    """In a process of its own, through the command line: lists and other methods never import it."""
    site = offer("raise SystemExit('imported')\n", "Odd")
    for verb in (["list"], ["list", "methods"], ["plan", "arl-gamma", "--scale", "demo"]):
        done = subprocess.run(
            [sys.executable, "-m", "mmbench", *verb], capture_output=True, text=True, env={"PYTHONPATH": site, "PATH": ""}, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "imported" not in done.stdout + done.stderr
