"""What every test stands on: folders of its own, and no setting of the machine that runs it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("MMBENCH_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path / "data"))
    for name in ("MMBENCH_GROUP", "MMBENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
