"""From the host to the training device, without the training waiting for it: through pinned memory, and in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import torch
from torch import Tensor

from mmbench.datasets.data import Batch

DEPTH = 2  # batches that are prepared before they are asked for
_END = object()


def placed(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device. A copy from ordinary memory waits for all that a GPU has still to do; one from pinned memory does not."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def ahead(items: Iterator[tuple[Batch, Any]], device: torch.device, depth: int = DEPTH) -> Generator[tuple[Batch, Any]]:
    """The same items in the same order, each made in a thread while those before it are worked on, at most `depth` of them waiting.
    On a GPU the thread has a stream of its own, so that copies and augmentation run beside the training. What the thread raises is
    raised here; when the iterator ends or is closed, so does the thread."""
    stream, threads = _stream(device), torch.get_num_threads()
    waiting: deque[Future[Any]] = deque()
    # Threads of OpenMP are counted for each thread, and their number changes bits.
    with ThreadPoolExecutor(1, "batches", lambda: torch.set_num_threads(threads)) as worker:
        try:
            for _ in range(depth):
                waiting.append(worker.submit(_next, items, stream))
            while (made := waiting.popleft().result()) is not _END:
                waiting.append(worker.submit(_next, items, stream))
                item, ready = made
                if ready is not None:
                    _taken(item[0], ready, device)
                yield item
        finally:
            for future in waiting:
                future.cancel()


def _stream(device: torch.device) -> torch.cuda.Stream | None:
    """A stream behind all that the device has been asked so far; None on a CPU."""
    if device.type != "cuda":
        return None
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    return stream


def _next(items: Iterator[tuple[Batch, Any]], stream: torch.cuda.Stream | None) -> Any:
    """In the thread: the next item and the event behind its making (None on a CPU), or _END."""
    with torch.cuda.stream(cast(Any, stream)):  # None: nothing changes
        item = next(items, _END)
        return _END if item is _END else (item, stream and stream.record_event())


def _taken(batch: Batch, ready: torch.cuda.Event, device: torch.device) -> None:
    """The training's stream goes on behind the event, and the batch's memory is not given away before the training has used it."""
    here = torch.cuda.current_stream(device)
    here.wait_event(ready)
    for tensor in (*batch.inputs.values(), *batch.extras.values(), batch.labels, batch.keep):
        if tensor is not None and tensor.is_cuda:
            tensor.record_stream(here)
