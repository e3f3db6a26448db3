"""Two things done in turn within one process, so that no machine's speed enters, and their paired ratios."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Ratio:
    """The median of paired ratios, and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95 % {self.low:.3f} to {self.high:.3f})"


def alternate(first: Callable[[], Any], second: Callable[[], Any], pairs: int) -> list[tuple[Any, Any]]:
    """What both return, pair by pair; who goes first alternates."""
    found = []
    for i in range(pairs):
        if i % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        found.append((a, b))
    return found


def ratio(values: Sequence[float]) -> Ratio:
    """Of paired ratios: the middle one, and how far it may lie off."""
    interval = bootstrap((np.array(values),), np.median, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    return Ratio(float(np.median(values)), float(interval.low), float(interval.high))


@dataclass(frozen=True)
class Seconds:
    """clock: as a watch says; cpu: of this process and all its workers, which other work on the machine changes less."""

    clock: float
    cpu: float


def seconds(work: Callable[[], object]) -> Seconds:
    """What the work takes."""
    began, used = time.perf_counter(), _cpu()
    work()
    return Seconds(time.perf_counter() - began, _cpu() - used)


def _cpu() -> float:
    """CPU seconds of this process, of its workers that have ended, and of those that live (Linux)."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = 0.0
    for worker in multiprocessing.active_children():
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        living += (int(fields[11]) + int(fields[12])) / TICKS  # user and system time
    return time.process_time() + ended.ru_utime + ended.ru_stime + living
