"""What is asked of Slurm: submit jobs as arrays through submitit, look at the queue, cancel. Nothing here knows what a job does."""

from __future__ import annotations

import io
import logging
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from mmbench import paths
from mmbench.errors import UserError
from mmbench.slurm_worker import work
from mmbench.spec import Job

FOLDER = "slurm"  # under the results: what submitit writes, and the ids of what was submitted
WARNING = 90  # seconds before the end of its time at which a job is told to write its checkpoint
DEFAULTS = {"cpus-per-task": "1"}
MEMORY, OF_STAND_INS = "8G", "2G"  # a run on a stand-in takes 0.9 GB, most of it torch itself
OURS = ("array", "output", "error", "job-name", "signal", "requeue", "open-mode")  # these we set ourselves
ENDED = ("COMPLETED", "COMPLETING", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")
PARALLEL = "256"  # jobs of an array that may run at once: option `parallel`


def check() -> None:
    """UserError unless Slurm's commands are here."""
    for command in ("sbatch", "srun", "squeue", "scontrol", "scancel"):
        if shutil.which(command) is None:
            raise UserError(f"--on slurm: there is no '{command}' here; run it where jobs are submitted, or use --on local")


def checked(options: Mapping[str, str]) -> dict[str, str]:
    """The options with our defaults below them. UserError for one that we set ourselves, or a time that is none."""
    for name in options:
        if name in OURS:
            raise UserError(f"slurm option '{name}' is set by mmbench: leave it out")
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise UserError(f"slurm option '{name}': use the name that sbatch has after its two dashes, for example partition")
    if "time" in options:
        minutes(options["time"])
    if not re.fullmatch(r"[1-9]\d*", options.get("parallel", "1")):
        raise UserError(f"slurm option parallel is '{options['parallel']}': give the number of jobs that may run at once")
    return {**DEFAULTS, **options}


def minutes(text: str) -> int:
    """A time limit as sbatch takes it -> minutes, rounded up: "90", "90:00", "1:30:00", "1-0", "1-12:30", "1-12:30:00"."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if match is None:
        raise UserError(f"slurm option time is '{text}': give minutes, hours:minutes:seconds or days-hours")
    days, first, second, third = (int(part) if part else 0 for part in match.groups())
    if match[1] is None and match[4] is None:  # minutes[:seconds]
        return max(1, first + (second > 0))
    return max(1, days * 1440 + first * 60 + second + (third > 0))


def submit(jobs: Sequence[Job], options: Mapping[str, str], limit: int, executor: str, device: str) -> Iterator[tuple[Job, str]]:
    """Hand the jobs to Slurm, as few arrays as its MaxArraySize allows, and give the id of each as soon as its array is handed over:
    "12_3", or "12" for one alone.

    options: as `checked` gives them. limit: minutes that a job may take. A complaint of sbatch is a UserError.
    """
    import submitit
    from submitit.core.utils import FailedJobError

    logging.getLogger("submitit").setLevel(logging.ERROR)
    folder = paths.results() / FOLDER / "arrays"
    folder.mkdir(parents=True, exist_ok=True)
    asked = dict(options)
    if not any(name.startswith("mem") for name in asked):  # mem, mem-per-cpu and mem-per-gpu exclude each other
        asked["mem"] = OF_STAND_INS if all(job.scale == "demo" for job in jobs) else MEMORY
    parallel, time = int(asked.pop("parallel", PARALLEL)), asked.pop("time", str(limit))
    slurm = submitit.SlurmExecutor(folder=folder)
    slurm.update_parameters(
        job_name="mmbench", time=minutes(time), array_parallelism=parallel, signal_delay_s=WARNING,
        stderr_to_stdout=True, additional_parameters={**asked, "requeue": True},
    )  # fmt: skip
    for chunk in _chunks(jobs, array_limit()):
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # what sbatch says comes back in its error
            warnings.simplefilter("ignore")  # where there is no accounting submitit says so at every look; we look with squeue
            try:
                handed = slurm.map_array(work, chunk, [executor] * len(chunk), [device] * len(chunk))
            except (FailedJobError, subprocess.CalledProcessError) as error:
                settings = ", ".join(f"{name}={value}" for name, value in {"time": time, **asked}.items())
                raise UserError(
                    f"sbatch refused the jobs: {_complaint(error)}; asked for {settings}: give others by --slurm KEY=VALUE"
                ) from None
            except OSError as error:
                raise UserError(f"{folder} cannot be written ({error.strerror}): nothing more was handed over to Slurm") from None
        yield from [(job, str(one.job_id)) for job, one in zip(chunk, handed, strict=True)]


def log_of(id: str) -> Path:
    """Where Slurm writes what a job's process says outside of our own log."""
    return paths.results() / FOLDER / "arrays" / f"{id}_0_log.out"


def array_limit() -> int:
    """MaxArraySize of the cluster: indices run from 0 to one less."""
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", _asked("scontrol", "show", "config"), re.MULTILINE)
    return max(1, int(match[1])) if match else 1000


def longest(partition: str) -> int | None:
    """Minutes that a job may take in a partition ("": the default one), None where there is no limit or Slurm does not say."""
    try:
        said = _asked("scontrol", "--oneliner", "show", "partition", *([partition] if partition else []))
    except UserError:
        return None
    for line in said.splitlines():
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if (partition or fields.get("Default") == "YES") and re.fullmatch(r"[\d:-]+", fields.get("MaxTime", "")):
            return minutes(fields["MaxTime"])
    return None


def queue() -> dict[str, tuple[str, str]]:
    """Id ("12_3") -> state (PENDING, RUNNING, ...) and the reason for waiting ("None", "Resources", ...) of all our jobs that Slurm
    still has. UserError when it does not answer: then nobody knows, and nothing may be taken for gone."""
    said = _asked("squeue", "--me", "--array", "--noheader", "--format=%i|%T|%r")
    found = [line.strip().split("|", 2) for line in said.splitlines() if line.count("|") >= 2]
    return {id: (state, reason) for id, state, reason in found if state not in ENDED}


def cancel(ids: Iterable[str]) -> None:
    """Take jobs out of the queue; running ones get SIGTERM, and write their checkpoint."""
    for chunk in _chunks(list(ids), 500):
        _asked("scancel", *chunk)


def _asked(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        raise UserError(f"there is no '{command[0]}' here: run it where Slurm's commands are") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"slurm: '{command[0]}' does not answer; try again") from None
    except subprocess.CalledProcessError as error:
        raise UserError(f"slurm: {command[0]}: {_last_line(error.stderr).removeprefix(f'{command[0]}: ')}") from None
    return done.stdout


def _complaint(error: Exception) -> str:
    """What sbatch itself said, out of what submitit makes of it."""
    lines = [line for line in f"{getattr(error, 'stderr', '') or ''}\n{error}".splitlines() if "error:" in line.lower()]
    return _last_line(lines[-1] if lines else str(error))


def _last_line(text: Any) -> str:
    lines = str(text).strip().splitlines()
    return lines[-1].strip() if lines else "no reason given"


def _chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
