"""One function over many items, by several processes that inherit what they share: only items and results are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")
_given: tuple[Callable[[Any, Any], Any], Any]  # of a process that was started for it


def each(function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], workers: int) -> Iterator[Result]:
    """`function(shared, item)` of each item, in order; in this process where there is one worker."""
    if workers == 1:
        yield from (function(shared, item) for item in items)
        return
    with ProcessPoolExecutor(workers, get_context("fork"), _start, (function, shared)) as pool:
        yield from pool.map(_applied, items)


def _start(function: Callable[[Any, Any], Any], shared: Any) -> None:
    global _given
    _given = function, shared


def _applied(item: Any) -> Any:
    function, shared = _given
    return function(shared, item)
