"""The command line: one function per verb, no logic. What a verb needs is imported when it is called, so that all start fast."""

from __future__ import annotations

import json as js
import sys
from typing import Annotated, Any

import click
import typer
from click.core import ParameterSource

from mmbench.errors import UserError

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Published against reproduced: the tables of four papers on balanced multimodal learning, as data, runs and verdicts.",
)  # fmt: skip

data = typer.Typer(rich_markup_mode=None, help="Raw downloads and prepared stores.")
app.add_typer(data, name="data")

Names = Annotated[list[str] | None, typer.Argument(metavar="TABLE...", help="tables, cells TABLE[:ROW[:COLUMN]], papers, or 'all'")]
Scale = Annotated[str, typer.Option(help="full: the paper's data; small: a part of yours; demo: a stand-in that ships with mmbench")]
Reading = Annotated[str, typer.Option(help="paper: what the text says; released: what the authors' code does")]
Seeds = Annotated[int, typer.Option(metavar="N", help="the seeds 0 to N-1")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="jobs at once (default: one per GPU, else one per core)")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def _say(answer: Any, text: str, json: bool) -> None:
    print(js.dumps(answer, indent=1, ensure_ascii=False) if json else text)


@app.command("list")
def list_(what: Annotated[str, typer.Argument(help="tables, papers, methods, heads, encoders, models, tasks, ...")] = "tables",
          json: Json = False) -> None:  # fmt: skip
    """List the tables, the papers, or the components of one kind."""
    from mmbench import answers, as_text

    found = answers.listing(what)
    _say(found, as_text.listing(what, found), json)


@app.command()
def show(
    table: Annotated[str, typer.Argument(help="TABLE[:ROW[:COLUMN]]")], scale: Scale = "full", reading: Reading = "paper",
    why: Annotated[bool, typer.Option("--why", help="the file and line that every setting came from")] = False, json: Json = False,
) -> None:  # fmt: skip
    """Show a table: printed values, what is behind them, claims."""
    from mmbench import answers, as_text

    found = answers.show(table, scale, reading, why=why)
    _say(found, as_text.show(found), json)


@app.command()
def plan(
    tables: Names = None, scale: Scale = "full", reading: Reading = "paper", seeds: Seeds = 5, jobs: Jobs = None,
    everything: Annotated[bool, typer.Option("--all", help="every table of the suite")] = False,
    on_machine: Annotated[str | None, typer.Option(metavar="NAME", help="the hours on a machine that was measured")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Say what would run: wanted, unique, recorded, missing, blocked, and how long it should take."""
    from mmbench import answers, as_text, choose, places

    names = ["all"] if everything else tables or []
    found = answers.planned(names, scale, reading, seeds, choose.workers(jobs) or places.cores())
    text = as_text.plan(found)
    if on_machine is not None:
        from mmbench import projection

        found["projection"] = projection.planned(on_machine, names, scale, reading, seeds)
        text += f"\n\n{projection.text(found['projection'])}"
    _say(found, text, json)


@app.command()
def run(
    context: typer.Context, tables: Names = None, scale: Scale = "full", reading: Reading = "paper", seeds: Seeds = 5, jobs: Jobs = None,
    on: Annotated[str, typer.Option(help="inline: in this process; local: worker processes on this machine; slurm: job arrays")] = "local",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    per_gpu: Annotated[int, typer.Option("--per-gpu", metavar="K", help="jobs at once on each GPU")] = 1,
    slurm: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="an option of sbatch, or parallel=N; repeat it")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="--on slurm: stay and watch, or leave when the jobs are queued")] = True,
    again: Annotated[bool, typer.Option("--again", help="try also what has failed three times")] = False,
    until: Annotated[str | None, typer.Option(metavar="decided", help="add seeds (3, 5, 8, 12) until all is decided")] = None,
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="with --until: how long it may take, for example 2h")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Run what is missing. Stopped or killed, the same command goes on where it was."""
    from mmbench import as_text, session

    if until is not None or budget is not None:
        from mmbench import adaptive

        adaptive.checked(until, budget, on, seeds_given=context.get_parameter_source("seeds") is ParameterSource.COMMANDLINE)
        looks = adaptive.run(
            tables or [], budget=budget or "", scale=scale, reading=reading, on=on, workers=jobs, device=device, again=again,
            per_gpu=per_gpu, slurm=slurm or [], wait=wait,
        )  # fmt: skip
        command = ["mmbench", *sys.argv[1:]]
        _say([one.answer() for one in looks], as_text.outcome(looks[-1].plan, looks[-1].outcome, command), json)
        raise typer.Exit(looks[-1].exit_code)
    done = session.run(
        tables or [], scale=scale, reading=reading, seeds=seeds, on=on, workers=jobs, device=device, again=again, per_gpu=per_gpu,
        slurm=slurm or [], wait=wait,
    )  # fmt: skip
    _say(done.answer(), as_text.outcome(done.plan, done.outcome, ["mmbench", *sys.argv[1:]]), json)
    raise typer.Exit(done.exit_code)


@app.command()
def status(tables: Names = None, scale: Scale = "full", reading: Reading = "paper", seeds: Seeds = 5, json: Json = False) -> None:
    """Say what is recorded, queued, running and failed, on this machine and on Slurm."""
    from mmbench import answers, as_text

    found = answers.status(tables or [], scale, reading, seeds)
    _say(found, as_text.status(found), json)


@app.command()
def cancel(tables: Names = None, scale: Scale = "full", reading: Reading = "paper", json: Json = False) -> None:
    """Stop what is queued or running of these tables. What has begun keeps its checkpoint; `run` goes on from it."""
    from mmbench import as_text, session

    found = session.cancelled(tables or [], scale, reading)
    _say(found, as_text.cancelled(found), json)


@app.command()
def report(
    tables: Names = None, scale: Annotated[str | None, typer.Option(help="one scale only")] = None,
    reading: Annotated[str | None, typer.Option(help="one reading only")] = None, json: Json = False,
) -> None:  # fmt: skip
    """Judge what is recorded: print it, and write the pages and plots to results/tables."""
    from mmbench import choose, session
    from mmbench import report as pages

    chosen = choose.tables(tables or [], scale, reading)
    session.writable()
    built = list(pages.pages(chosen, scale=scale, reading=reading, narrow=False))  # the files hold all that was run
    files = pages.save(built)
    shown = pages.text(chosen, scale=scale, reading=reading) if scale or reading else pages.said(built)
    _say([str(file) for file in files], f"{shown}\n{pages.where(files)}", json)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="a group of records, a method, or a row TABLE:ROW[:COLUMN]")],
    second: Annotated[str, typer.Argument(metavar="B", help="another of the same sort")],
    tables: Names = None, scale: Annotated[str | None, typer.Option(help="one scale only")] = None,
    reading: Annotated[str | None, typer.Option(help="one reading only")] = None, json: Json = False,
) -> None:  # fmt: skip
    """Compare two groups of records, two methods, or two rows: paired by seed, and by test item."""
    from mmbench import compare as pairs

    found = pairs.run(first, second, tables or [], scale, reading)
    _say(pairs.answer(found), pairs.text(found), json)


@app.command()
def merge(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="the results of others, or any folder with their records")],
    name: Annotated[str, typer.Option("--as", metavar="GROUP", help="put them under this name, not under their own")] = "",
    dirty: Annotated[bool, typer.Option("--dirty", help="also those made from a tree with uncommitted changes")] = False,
    json: Json = False,
) -> None:
    """Take over records from elsewhere, each validated, under their group's name. The report shows them as unverified."""
    from pathlib import Path

    from mmbench import merge as others

    done = others.run(Path(folder), name=name, dirty=dirty)
    _say(done.answer(), done.text(), json)
    raise typer.Exit(done.exit_code)


@app.command()
def smoke(
    tables: Names = None, jobs: Jobs = None, device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    golden: Annotated[bool, typer.Option("--golden", help="write tests/golden/smoke.json anew instead of comparing with it")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Try every cell, under both readings: its true network and settings, two steps on generated inputs. Nothing is kept."""
    from mmbench import choose, console
    from mmbench import smoke as trial

    done = trial.run(tables or [], device=device, workers=choose.workers(jobs), listen=lambda n: console.progress(n, None), write=golden)
    _say(done.answer(), trial.text(done.answer()), json)
    raise typer.Exit(done.exit_code)


@app.command()
def measure(
    name: Annotated[str, typer.Argument(metavar="NAME", help="what to call this machine")], tables: Names = None,
    budget: Annotated[str, typer.Option(metavar="TIME", help="how long it may take, for example 4m; the same command goes on")] = "10m",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    note: Annotated[str, typer.Option(metavar="TEXT", help="what a reader of the numbers should know")] = "", json: Json = False,
) -> None:  # fmt: skip
    """Measure how long the cells take on this machine, the most useful first: results/machines/NAME. `plan --on-machine` reads it."""
    from mmbench import adaptive, console
    from mmbench import measure as timing

    found = timing.run(name, tables or [], budget=adaptive.seconds(budget), device=device, note=note,
                       listen=lambda n: console.progress(n, None))  # fmt: skip
    _say(found, timing.text(found), json)
    raise typer.Exit(found["exit_code"])


@app.command()
def regress(
    scale: Annotated[str, typer.Option(help="demo: the stand-ins; small: a part of your prepared data")] = "demo",
    accept: Annotated[str | None, typer.Option(metavar="WHY", help="keep the numbers of today as those to compare with")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="only say which cells would run")] = False,
    summary: Annotated[str | None, typer.Option(metavar="FILE", help="write a summary in markdown, as for a pull request")] = None,
    jobs: Jobs = None, json: Json = False,
) -> None:  # fmt: skip
    """Train one cell of every kind afresh and compare with what was accepted. Exit code 1 where a number moved."""
    from mmbench import as_text
    from mmbench import regress as regression

    if plan:
        covered = regression.planned(regression.chosen(scale))
        _say(covered, as_text.cover(covered), json)
        return
    if accept is not None and not accept.strip():
        raise UserError("--accept needs a reason: say why the numbers may change")
    verdict, now = regression.run(scale, jobs, accepting=accept is not None)
    if summary is not None:
        as_text.write(summary, as_text.regression(regression.answer(verdict), markdown=True))
    _say(regression.answer(verdict), as_text.regression(regression.answer(verdict)), json)
    if accept is None:
        raise typer.Exit(verdict.exit_code)
    print(f"accepted: {regression.accept(scale, now, verdict, accept)}", file=sys.stderr)


@app.command()
def check(json: Json = False) -> None:
    """Validate every file under benchmarks/ and resolve every cell."""
    from mmbench import answers, as_text

    found = answers.check()
    _say(found, as_text.check(found), json)


@app.command()
def cite(tables: Names = None, scale: Scale = "full", reading: Reading = "paper", json: Json = False) -> None:
    """Print BibTeX of what these tables used: papers, datasets, methods, networks."""
    from mmbench import choose, published, resolve, sources

    chosen = [published.load(id) for id in choose.tables(tables or [])]
    found = sources.cite(chosen, [cell for table in chosen for cell in resolve.cells(table, scale, reading)])
    _say(found, "\n\n".join(found), json)


@app.command()
def audit(tables: Names = None, json: Json = False) -> None:
    """Lint the printed tables: contradictions inside and between the papers. Needs no run."""
    from mmbench import as_text, choose
    from mmbench import audit as lint

    found = [one.answer() for one in lint.findings(choose.tables(tables) if tables else None)]
    _say(found, as_text.audit(found), json)


Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="an id of `mmbench data list`")]


def _answer(answer: Any, json: bool) -> None:
    _say(answer.data, answer.text, json)
    raise typer.Exit(answer.code)


@data.command("list")
def data_list(json: Json = False) -> None:
    """Every dataset: licence, access, size, where to ask for it, which tables it feeds, what is prepared here."""
    from datasets_prep import verbs

    _answer(verbs.list_(), json)


@data.command()
def prepare(
    dataset: Dataset,
    raw: Annotated[list[str], typer.Option(metavar="[NAME=]DIR", help="the raw download; repeat with NAME= for several sources")],
    lists: Annotated[str | None, typer.Option(metavar="DIR", help="the folder with others' split lists")] = None,
    split: Annotated[str | None, typer.Option(help="a split that must be available at the end")] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="only these preparations or arrays")] = None,
    jobs: Jobs = None, json: Json = False,
) -> None:  # fmt: skip
    """Raw download -> prepared store under MMBENCH_DATA. Killed, the same command goes on where it was."""
    from datasets_prep import verbs

    _answer(verbs.prepare(dataset, raw, lists, split, only or (), jobs), json)


@data.command()
def verify(
    dataset: Dataset,
    strict: Annotated[bool, typer.Option("--strict", help="exit 1 also where no split is comparable with the papers'")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="leave the checksums of rows out")] = False, json: Json = False,
) -> None:  # fmt: skip
    """The doctor: counts, checksums, missing and corrupt clips, overlaps, and what they mean for comparability."""
    from datasets_prep import verbs

    _answer(verbs.verify(dataset, strict, quick), json)


@data.command()
def imitate(
    dataset: Dataset, folder: Annotated[str, typer.Argument(metavar="DIR", help="a new or empty folder")],
    defect: Annotated[list[str] | None, typer.Option(help="a known defect to build in; may be repeated")] = None, json: Json = False,
) -> None:  # fmt: skip
    """Write a tiny raw tree in the true layout and formats of a dataset."""
    from datasets_prep import verbs

    _answer(verbs.imitate(dataset, folder, defect or ()), json)


def main() -> None:
    """Run a verb. A mistake of the user is one line on stderr and exit code 2."""
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except (UserError, click.ClickException) as error:
        said = error.format_message() if isinstance(error, click.ClickException) else str(error)
        print(f"mmbench: {' '.join(said.split())}", file=sys.stderr)
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
