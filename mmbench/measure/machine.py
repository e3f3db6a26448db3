"""`results/machines/<name>.json`: how long the suite's steps take on one machine, and a page of it beside the file. Knows no torch."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mmbench
from mmbench import paths
from mmbench.errors import UserError
from mmbench.measure import kinds
from mmbench.places import Place, cores

SCHEMA = 1
SHIPPED = paths.REPOSITORY / "results" / "machines"
NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def folder() -> Path:
    return paths.results() / "machines"


def folders() -> tuple[Path, Path]:
    """Where a machine is looked for: among the user's own, then among those that come with the project."""
    return folder(), SHIPPED


def file(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise UserError(f"a machine cannot be named '{name}': use small letters, digits, '.', '+' and '-' only")
    return folder() / f"{name}.json"


def names() -> list[str]:
    return sorted({found.stem for place in folders() for found in place.glob("*.json")})


def read(name: str) -> dict[str, Any]:
    """UserError names the machines that there are, and how to measure one."""
    path = next((there for place in folders() if (there := place / file(name).name).is_file()), None)
    if path is None:
        known = f"measured: {', '.join(names())}" if names() else "none is measured"
        raise UserError(f"no machine '{name}' ({known}): measure it there with 'mmbench measure {name} --budget 10m'")
    try:
        found = json.loads(path.read_bytes())
        if found["schema"] != SCHEMA or not isinstance(found["kinds"], dict):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: is no measurement of this mmbench: move it away and measure again") from None
    return found


def begun(name: str, place: Place, note: str) -> dict[str, Any]:
    """What is known of this machine, to be added to: the file of this name, or a new one. UserError where the file is of another
    machine, or was measured with other versions."""
    here = {"machine": described(place), "versions": versions()}
    if not file(name).exists():
        return {"schema": SCHEMA, "name": name, "note": note, **here, "sessions": [], "kinds": {}, "failed": {}, "together": {}}
    found = read(name)
    for what, now in here.items():
        differs = [k for k in now if now[k] != found[what].get(k)]
        if differs:
            k = differs[0]
            raise UserError(f"{file(name)} was measured with {k} {found[what].get(k)}, here it is {now[k]}: take another name")
    return found | ({"note": note} if note else {})


def described(place: Place) -> dict[str, Any]:
    """What kind of machine this is; no name of it."""
    gpus = gpu_names() if place.device == "cuda" else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0.0
    return {
        "device": gpus[0] if gpus else processor(), "device_kind": place.device, "gpus": len(gpus), "cores": cores(),
        "memory_gb": round(memory),
    }  # fmt: skip


def processor() -> str:
    """The processor's model, or what kind of one it is."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def gpu_names() -> list[str]:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [match[1].strip() for match in re.finditer(r"^GPU \d+: (.*?)(?: \(UUID.*)?$", listed, re.MULTILINE)]


def versions() -> dict[str, str]:
    return {"mmbench": mmbench.__version__, "python": platform.python_version(), "torch": version("torch"), "numpy": version("numpy")}


def write(found: Mapping[str, Any], into: Path) -> list[Path]:
    """The file and its page in this folder, each replaced as a whole."""
    path = into / f"{found['name']}.json"
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for target, text in ((path, json.dumps(found, indent=1, ensure_ascii=False) + "\n"), (path.with_suffix(".md"), page(found))):
        partial = target.with_suffix(f"{target.suffix}.{os.getpid()}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
        written.append(target)
    return written


def page(found: Mapping[str, Any]) -> str:
    return "\n\n".join(part for part in _parts(found) if part) + "\n"


def _parts(found: Mapping[str, Any]) -> Iterator[str]:
    from mmbench.console import table

    on, gpu = found["machine"], found["machine"]["device_kind"] == "cuda"
    yield f"# {found['name']}: {on['device']}"
    where = f"{on['gpus']} GPU(s), " if gpu else ""
    yield (
        f"{where}{on['cores']} cores, {on['memory_gb']} GB; "
        + ", ".join(f"{what} {number}" for what, number in found["versions"].items())
        + f". Measured in {len(found['sessions'])} session(s); {len(found['kinds'])} kinds of cells."
    )
    yield found["note"]
    yield how(gpu)
    heads = {
        "dataset": "data", "preparation": "preparation", "inputs": "frames x size", "encoders": "encoders", "head": "head",
        "method": "method", "precision": "precision", "path": "path", "batch": "batch", "step": "s per step", "rate": "items/s",
        "evaluate": "s per test batch", "memory": "peak MB",
    } | ({"busy": "GPU busy"} if gpu else {"load": "load"})  # fmt: skip
    yield table([_row(id, entry) for id, entry in found["kinds"].items()], heads, "github")
    if found["together"]:
        yield f"Processes at once on one GPU, each training {found['together']['cell']}:"
        yield table(found["together"]["rows"], {"jobs": "processes", "rate": "items/s in all", "times": "times one"}, "github")
    yield "\n".join(f"- not measured: {id}: {why}" for id, why in found["failed"].items())
    rows = [{"number": i, **session} for i, session in enumerate(found["sessions"])]
    yield table(
        rows, {"number": "session", "date": "date (UTC)", "command": "command", "commit": "commit", "load": "load before"}, "github"
    )


def how(gpu: bool) -> str:
    batch = (
        "The batch is the recipe's." if gpu else
        "The batch is the recipe's where that is light (up to 300,000 numbers), else 4 items; times are scaled by items, so of the "
        "latter what a step costs whatever its batch (the optimiser's part) is counted too often. One thread; seconds of processor "
        "time. The load is the number of processes that wanted a core when the kind had been measured: with more of them than cores, "
        "caches are shared, and the times somewhat too long."
    )  # fmt: skip
    busy = " Data lie on the device. GPU busy: the mean of nvidia-smi's utilisation while the steps ran." if gpu else ""
    return (
        f"Every kind of cell at its true network and input shapes, on generated items and with random weights (`mmbench measure`). {batch}"
        f" A kind is measured on one of its cells: parameters of methods and heads that differ within it are that cell's.{busy}"
    )


def _row(id: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    busy, step = entry.get("gpu_busy"), entry["step_seconds"]
    return vars(kinds.named(id)) | {
        "batch": entry["batch"], "path": entry["path"], "step": f"{step:.4g}", "rate": f"{entry['batch'] / step:.4g}",
        "evaluate": f"{entry['evaluate_seconds']:.4g}", "memory": entry["peak_memory_mb"], "load": entry["load"],
        "busy": "" if busy is None else f"{busy:.0f} %",
    }  # fmt: skip
