"""One table at the end of `make speed`: every ratio with its interval, what it should be, and whether it is. All of it stands in the
JSON too, in each benchmark's `extra_info`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tabulate import tabulate

from tests.speed.pairing import Ratio

ROWS = pytest.StashKey[list[tuple[str, str, str, str, str]]]()
PAGES = pytest.StashKey[list[tuple[str, str]]]()
HEADERS = ("what / against what", "ratio", "95 %", "aim", "reached")


@pytest.fixture
def table(benchmark, request) -> Callable[..., None]:
    """Add a ratio to the table: what against what, the number, its aim ("<= 1.03", ">= 1.5", "" where none is stated)."""

    def add(what: str, found: Ratio | float, aim: str = "") -> None:
        value = found.value if isinstance(found, Ratio) else float(found)
        interval = (found.low, found.high) if isinstance(found, Ratio) else None
        benchmark.extra_info[what] = {"ratio": value, "aim": aim, **({"interval": interval} if interval else {})}
        between = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
        row = what, f"{value:.3f}", between, aim, ("yes" if reached(value, aim) else "no") if aim else ""
        request.config.stash.setdefault(ROWS, []).append(row)

    return add


@pytest.fixture
def matrix(benchmark, request) -> Callable[..., None]:
    """Show ratios by (row, column) in a table of their own; what is not there is a combination that is refused."""

    def add(title: str, found: Mapping[tuple[str, str], float]) -> None:
        benchmark.extra_info[title] = {f"{row}, {column}": value for (row, column), value in found.items()}
        rows, columns = (dict.fromkeys(key[i] for key in found) for i in (0, 1))
        cells = [(row, *(f"{found[row, c]:.2f}" if (row, c) in found else "-" for c in columns)) for row in rows]
        request.config.stash.setdefault(PAGES, []).append(
            (title, tabulate(cells, ("", *columns), tablefmt="github", disable_numparse=True))
        )

    return add


def reached(value: float, aim: str) -> bool:
    """Whether a ratio is what it should be. aim: "<= number" or ">= number"."""
    sign, number = aim.split()
    return value <= float(number) if sign == "<=" else value >= float(number)


@pytest.hookimpl(tryfirst=True)  # an interrupted benchmark ends pytest-benchmark's summary with an error
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for title, page in config.stash.get(PAGES, []):
        terminalreporter.section(title)
        terminalreporter.write_line(page)
    if rows := config.stash.get(ROWS, []):
        terminalreporter.section("ratios, each within this run")
        terminalreporter.write_line(tabulate(rows, HEADERS, tablefmt="github", disable_numparse=True))
