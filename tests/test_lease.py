"""Claims: one holder at a time, gone with its process, taken over after silence, whatever the clocks of the machines say."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from typing import Any

from mmbench import lease, paths

KEY = "0123456789ab"


def claimed() -> lease.Lease:
    held = lease.claim(KEY, 0)
    assert held is not None
    return held


def elsewhere(held: lease.Lease, seconds_ago: float) -> None:
    """Make a claim that of another machine, whose last sign of life is so old by the clock of the file system."""
    content = json.loads(held.file.read_text()) | {"machine": "another"}
    held.file.write_text(json.dumps(content))
    silent_since(held, seconds_ago)


def silent_since(held: lease.Lease, seconds_ago: float) -> None:
    then = time.time() - seconds_ago
    os.utime(held.file, (then, then))


def test_a_claim_excludes_others_until_it_is_released():
    held = claimed()
    assert lease.held(KEY, 0)
    assert lease.claim(KEY, 0) is None
    assert lease.claim(KEY, 1) is not None
    held.release()
    assert not lease.held(KEY, 0)
    claimed().release()


def test_a_release_leaves_no_file():
    claimed().release()
    assert list((paths.results() / "claims").iterdir()) == []


def _claim_and_wait(said: Any) -> None:
    said.put(lease.claim(KEY, 0) is not None)
    time.sleep(600)


def test_the_claim_of_a_killed_process_is_free_at_once():
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    holder = context.Process(target=_claim_and_wait, args=(said,))
    holder.start()
    assert said.get(timeout=60) is True
    assert lease.claim(KEY, 0) is None
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    while (held := lease.claim(KEY, 0)) is None:  # until the signal has arrived; unburied, it counts as gone too
        time.sleep(0.01)
    assert held.file.name == f"{KEY}-s0.2"
    holder.join()
    held.release()
    assert list((paths.results() / "claims").iterdir()) == []


def test_a_pid_that_was_used_again_is_another_process():
    held = claimed()
    held.file.write_text(json.dumps(json.loads(held.file.read_text()) | {"born": "0"}))
    assert not lease.held(KEY, 0)


def test_a_holder_on_another_machine_is_gone_after_the_expiry_and_not_before():
    held = claimed()
    elsewhere(held, lease.EXPIRY - 60)
    assert lease.claim(KEY, 0) is None
    elsewhere(held, lease.EXPIRY + 1)
    assert lease.claim(KEY, 0) is not None


def test_a_beat_renews_the_claim_and_tells_the_news():
    held = claimed()
    elsewhere(held, lease.EXPIRY + 1)
    held.beat()
    assert lease.held(KEY, 0)
    held.beat({"epoch": 3, "epochs": 12})
    assert lease.running()[KEY, 0] == {"epoch": 3, "epochs": 12}


def test_ages_are_taken_from_the_file_system_not_from_our_clock(monkeypatch):
    elsewhere(claimed(), 0)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert lease.claim(KEY, 0) is None


def test_a_worker_that_outlives_its_claim_does_not_disturb_the_new_holder():
    old = claimed()
    elsewhere(old, lease.EXPIRY + 1)
    new = claimed()
    old.beat({"epoch": 1})
    old.release()
    assert new.file.exists()
    assert lease.claim(KEY, 0) is None
    new.release()
    assert list((paths.results() / "claims").iterdir()) == []


def test_whoever_looked_before_the_last_holder_had_gone_gives_way(monkeypatch):
    """We saw claim 1 dead; its successor ended, and the rival, who found nothing, has linked a new claim 1. Ours would be 2."""
    seen = []
    look = lease._claims

    def outdated_at_first(key: str, seed: int) -> dict[int, Any]:
        seen.append(key)
        return {1: paths.results() / "claims" / "gone"} if len(seen) == 1 else look(key, seed)

    rival = claimed()
    monkeypatch.setattr(lease, "_claims", outdated_at_first)
    assert lease.claim(KEY, 0) is None
    assert rival.file.exists()
    assert [f.name for f in (paths.results() / "claims").iterdir()] == [rival.file.name]


def test_kept_beats_while_the_block_runs_and_releases_at_its_end():
    held = claimed()
    silent_since(held, lease.EXPIRY + 1)
    assert not lease.held(KEY, 0)
    with lease.kept(held, every=0.01):
        while not lease.held(KEY, 0):
            time.sleep(0.01)
    assert not held.file.exists()


def _contend(start: Any, held: Any, rounds: int) -> None:
    """Claim the job again and again; while we hold it, nobody else may hold the (exclusively created) flag."""
    flag = paths.results() / "flag"
    start.wait()
    for _ in range(rounds):
        while (mine := lease.claim(KEY, 0)) is None:
            time.sleep(0.0005)
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            held.put("two at once")
            return
        time.sleep(0.0005)
        flag.unlink()
        mine.release()
    held.put("alone")


def test_processes_that_race_for_a_job_never_both_hold_it():
    context = multiprocessing.get_context("spawn")
    start, held = context.Event(), context.Queue()
    racers = [context.Process(target=_contend, args=(start, held, 100)) for _ in range(3)]
    for racer in racers:
        racer.start()
    start.set()
    assert [held.get(timeout=60) for _ in racers] == ["alone"] * 3
    for racer in racers:
        racer.join()
