"""A real Slurm of one node, for tests: `with running(folder, arrays=4)` starts Debian's slurm-wlm and munge as root, and stops them.

By hand: `python -m tests.slurm_cluster DIR` keeps one until Ctrl-C, and prints the SLURM_CONF to export.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMANDS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")

CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/node.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/node.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MaxArraySize={arrays}
KillWait=2
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def missing() -> str:
    """Why there can be no Slurm here, "" if there can."""
    if os.geteuid() != 0:
        return "not root"
    lacking = [name for name in COMMANDS if shutil.which(name) is None]
    return f"no {lacking[0]} (Debian: slurm-wlm, munge)" if lacking else ""


@contextmanager
def running(folder: Path, arrays: int = 1000) -> Iterator[Path]:
    """Yields the configuration file, which SLURM_CONF must name. arrays: the cluster's MaxArraySize."""
    for name in ("munge", "controller", "node"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=socket.gethostname().split(".")[0], folder=folder, ports=_ports(2), arrays=arrays))
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(conf)
    started: list[subprocess.Popen[bytes]] = []
    munge = [f"--{name}-file={folder}/munge/{name}" for name in ("key", "pid", "log", "seed")]
    try:
        for command in (
            ["munged", "--foreground", "--force", f"--socket={folder}/munge/socket", *munge],
            ["slurmctld", "-D", "-f", str(conf)],
            ["slurmd", "-D", "-f", str(conf)],
        ):
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(0.5)
        _until_idle(folder)
        yield conf
    finally:
        subprocess.run(["scancel", "--me", "--signal=KILL", "--full"], capture_output=True)
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before


def asked(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def _until_idle(folder: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(subprocess.SubprocessError):
            if asked("sinfo", "--noheader", "--format=%t") == "idle":
                return
        time.sleep(0.2)
    raise RuntimeError("Slurm did not start: " + "".join(file.read_text()[-2000:] for file in folder.glob("*.log")))


def _ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


if __name__ == "__main__":
    if reason := missing():
        sys.exit(f"no Slurm can be started here: {reason}")
    with running(Path(sys.argv[1]).resolve()) as file, suppress(KeyboardInterrupt):
        print(f"export SLURM_CONF={file}", flush=True)
        signal.pause()
