"""Sites to look at: the golden's tables with its made-up records, and the whole suite with made-up records or without any."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from mmbench import published, report, suite
from tests.golden import make_report


@contextmanager
def results(folder: Path) -> Iterator[None]:
    """Another results folder, and no data."""
    with mock.patch.dict(os.environ, MMBENCH_RESULTS=str(folder), MMBENCH_DATA=str(folder / "data"), MMBENCH_GROUP="local"):
        yield


def build(pictures: Collection[str] = ()) -> dict[str, str]:
    """Every page of the tables that are there, from what is recorded."""
    return report.site(suite.build(report.pages(published.ids(), narrow=False)), pictures)


def golden(records: Path = make_report.HERE / "records", pictures: Collection[str] = ()) -> dict[str, str]:
    with make_report.settings(records), make_report.suite():
        return build(pictures)


def save(site: dict[str, str], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in site.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
