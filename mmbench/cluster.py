"""Jobs on Slurm, followed from here: submitted, watched by their records and by the queue. Whoever watches may leave at any time.

Nothing a job says is needed: it is done when its record exists, failed when its failure is noted, and lost when Slurm no longer
has it and neither is there. A lost job is handed over once more by the watcher, and fails at the second loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mmbench import lease, plan, records, slurm, submitted
from mmbench.errors import UserError
from mmbench.jobqueue import Event, Listener, Outcome
from mmbench.spec import Job
from mmbench.stopping import noting
from mmbench.submitted import Submission
from mmbench.worker import Report

POLL = 2.0  # seconds between two looks at few jobs; more jobs are looked at less often, so that watching costs nothing
SETTLE = 20.0  # seconds after which a job that Slurm does not have, and that left nothing, counts as lost: file systems lag
FACTOR, LEAST, UNKNOWN = 2.0, 15, 24 * 60  # a time limit is twice the expected time, at least these minutes; if nothing is known

# Reasons for waiting that pass by themselves
ORDINARY = {"None", "Resources", "Priority", "JobArrayTaskLimit", "BeginTime", "Dependency", "Cleaning"}

Slot = tuple[str, int]


@dataclass
class Watch:
    """pending: jobs not yet seen to end; submissions: their ids; gone: since when Slurm has not had a job; lost: jobs lost once;
    told: the reasons for waiting that were already told."""

    pending: dict[Slot, Job]
    submissions: dict[Slot, Submission]
    listen: Listener
    again: Callable[[Job], Submission]
    outcome: Outcome = field(default_factory=lambda: Outcome(on_cluster=True))
    started: set[Slot] = field(default_factory=set)
    gone: dict[Slot, float] = field(default_factory=dict)
    lost: set[Slot] = field(default_factory=set)
    told: set[str] = field(default_factory=set)


def run(jobs: Sequence[Job], options: Mapping[str, str], executor: str, device: str, listen: Listener, *, wait: bool = True) -> Outcome:
    """Submit what Slurm does not have yet, and watch until all have ended. wait: False submits only. Ctrl-C, SIGTERM or a closed
    terminal end the watching and nothing else."""
    slurm.check()
    asked = slurm.checked(options)
    before, queued = submitted.all(), slurm.queue()
    known = {slot: s for slot, s in before.items() if s.id in queued}
    new = [job for job in jobs if (job.key, job.seed) not in known]
    fresh = hand_over(new, asked, executor, device)
    pending = {(job.key, job.seed): job for job in jobs}
    if not wait:
        return Outcome(left=list(jobs), on_cluster=True)
    watch = Watch(pending, {**known, **fresh}, listen, lambda job: hand_over([job], asked, executor, device)[job.key, job.seed])
    with noting() as asked_to_end:
        while watch.pending and not asked_to_end:
            look(watch)
            _sleep(max(POLL, len(watch.pending) / 50), asked_to_end, watch)
    watch.outcome.left = list(watch.pending.values())
    watch.outcome.stopped_by = asked_to_end[0] if asked_to_end else 0
    return watch.outcome


def hand_over(jobs: Sequence[Job], options: Mapping[str, str], executor: str, device: str) -> dict[Slot, Submission]:
    """Submit the jobs, those of a like time limit together, and note their ids."""
    most = (slurm.longest(options.get("partition", "")) if jobs and "time" not in options else None) or UNKNOWN
    by_limit: dict[int, list[Job]] = {}
    for job in jobs:
        by_limit.setdefault(min(limit(job), most) if "time" not in options else 0, []).append(job)
    found = {}
    for minutes, some in by_limit.items():
        for job, id in slurm.submit(some, options, minutes, executor, device):
            found[job.key, job.seed] = submitted.note(job.key, job.seed, id)
    return found


def limit(job: Job) -> int:
    """Minutes that a job may take, from the recorded durations of others like it; in steps, so that jobs share an array."""
    seconds, unknown = plan.estimate([job])
    if unknown:
        return UNKNOWN
    wanted, allowed = FACTOR * seconds / 60, LEAST
    while allowed < wanted:
        allowed *= 2
    return allowed


def look(watch: Watch) -> None:
    """One look at the records, the failures and the queue."""
    queued, failed, now = _queue(), records.failures(), lease.running()
    for slot, job in list(watch.pending.items()):
        submission = watch.submissions[slot]
        if (file := records.path(job.run, job.key, job.seed)).exists():
            record = records.read_or_set_aside(file)
            if record is not None:
                seconds = record["environment"]["seconds"]["total"]
                _ended(watch, slot, Report(*slot, record["result"]["status"], seconds=seconds))
        elif slot in failed and failed[slot]["attempts"] > submission.attempts:
            _ended(watch, slot, Report(*slot, "failed", failed[slot]["why"], failed[slot]["log"]))
        elif queued is not None and submission.id not in queued:
            _missed(watch, slot, job, submission)
        else:
            watch.gone.pop(slot, None)
            state, reason = (queued or {}).get(submission.id, ("", ""))
            if slot not in watch.started and state == "RUNNING":
                watch.started.add(slot)
                watch.listen(Event("started", job))
            if state == "PENDING" and reason not in ORDINARY | watch.told:
                watch.told.add(reason)
                watch.listen(Event("held", job, {"why": reason}))
            if slot in now and slot in watch.started:
                watch.listen(Event("progress", job, now[slot]))


def _queue() -> dict[str, tuple[str, str]] | None:
    """None when Slurm does not answer now: the next look asks again."""
    try:
        return slurm.queue()
    except UserError:
        return None


def _missed(watch: Watch, slot: Slot, job: Job, submission: Submission) -> None:
    """Slurm does not have the job and it left nothing: wait a little for the file system, then hand it over again, once."""
    since = watch.gone.setdefault(slot, time.monotonic())
    if time.monotonic() - since < SETTLE:
        return
    del watch.gone[slot]
    watch.started.discard(slot)
    log, why = str(slurm.log_of(submission.id)), f"Slurm's job {submission.id} ended without a record"
    if slot not in watch.lost:
        watch.lost.add(slot)
        try:
            watch.submissions[slot] = watch.again(job)
            watch.listen(Event("again", job, {"why": why}))
            return
        except (OSError, UserError) as error:
            why = f"{why}, and could not be handed over again ({error})"
    else:
        why = f"{why} for the second time: killed, out of memory, or no room for its results"
    with suppress(OSError):  # no room for the note either: it is told all the same
        records.write_failure(job, why, log)
    _ended(watch, slot, Report(*slot, "failed", why, log))


def _ended(watch: Watch, slot: Slot, report: Report) -> None:
    job = watch.pending.pop(slot)
    submitted.forget(*slot)
    watch.outcome.reports.append(report)
    watch.listen(Event("ended", job, report=report))


def _sleep(seconds: float, asked: Sequence[int], watch: Watch) -> None:
    end = time.monotonic() + seconds * bool(watch.pending)
    while time.monotonic() < end and not asked:
        time.sleep(min(0.5, max(0.0, end - time.monotonic())))
