"""SIGTERM and Ctrl-C, noted or raised while a block runs. In the main thread only; elsewhere nothing changes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def noting() -> Iterator[list[int]]:
    """SIGTERM and Ctrl-C are noted in the list that is yielded."""
    asked: list[int] = []
    with _handling(lambda number, frame: asked.append(number), signal.SIGTERM, signal.SIGINT):
        yield asked


@contextmanager
def raising() -> Iterator[None]:
    """SIGTERM raises SystemExit(143), as Ctrl-C raises KeyboardInterrupt."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    with _handling(leave, signal.SIGTERM):
        yield


@contextmanager
def _handling(handler: Callable[[int, Any], object], *numbers: int) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
