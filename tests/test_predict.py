import csv
import gzip
import io
import json
import os
import pty
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import run_slugline
from pyarrow import parquet
from sklearn.tree import DecisionTreeClassifier

from slugline.data.label_cells import parse_labels
from slugline.data.schema import Rejected
from slugline.errors import InputError
from slugline.model import load_model, save_model
from slugline.model.heads import EstimatorHead
from slugline.prediction import PredictionCounts, PredictOptions, predict_files
from slugline.prediction.part_files import PartFiles

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data"))
SAMPLE = ROOT / "data" / "sample" / "articles.jsonl"
SMALL = 50_000  # characters of a batch
ENDINGS = ("jsonl", "csv", "parquet")
SUMMARY = re.compile(r"read (\d+) = (\d+) labelled \+ (\d+) rejected; (\d+) sentences written, (\d+) of them debris")

Predict = Callable[..., PredictionCounts]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of words, trained on the sample in a few seconds."""
    return train_model(tmp_path_factory.getbasetemp())


@cache  # other modules take this fixture too, and would have one of their own
def train_model(place: Path) -> Path:
    (folder := place / "train").mkdir()
    done = run_slugline(folder, "train", "tracking=off", "plots=false", "features=word")
    assert done.returncode == 0, done.stderr
    trained = next(folder.glob("experiments/runs/*/*/model"))
    return Path(shutil.copytree(trained, folder / "model"))


@pytest.fixture
def run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Predict in this process, in `tmp_path`, on the sample by default."""
    monkeypatch.chdir(tmp_path)

    def run(folder: Path = model, **options: Any) -> PredictionCounts:
        return predict_files(folder, PredictOptions(**{"input": str(SAMPLE), "n_jobs": 1} | options))

    return run


@pytest.fixture(scope="session")
def long_input(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample four times over, a bad line in every fortieth row: some thirty batches of `SMALL`."""
    return write_long(tmp_path_factory.getbasetemp())


@cache
def write_long(place: Path) -> Path:
    file = place / "articles.jsonl"
    rows = [row | {"article_id": f"{row['article_id']}-{copy}"} for copy in range(4) for row in records(SAMPLE)]
    lines = list(map(json.dumps, rows))
    file.write_text("".join(f"{line}\n{'{' * (number % 40 == 0)}\n" for number, line in enumerate(lines)), "utf-8")
    return file


@pytest.fixture(
    scope="session", params=["jsonl", *(pytest.param(name, marks=pytest.mark.slow) for name in ("csv", "parquet"))]
)
def whole(
    request: pytest.FixtureRequest, model: Path, long_input: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The output of a run on the long input that nothing interrupts."""
    return predict_whole(model, long_input, tmp_path_factory.getbasetemp(), request.param)


@pytest.fixture(scope="session")
def whole_jsonl(model: Path, long_input: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, as JSON lines."""
    return predict_whole(model, long_input, tmp_path_factory.getbasetemp(), "jsonl")


@cache
def predict_whole(model: Path, source: Path, place: Path, ending: str) -> Path:
    output = place / f"whole.{ending}"
    predict_files(model, PredictOptions(input=str(source), output=str(output), batch=SMALL, n_jobs=1))
    return output


def records(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        return list(parquet.read_table(file).to_pylist())
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def rows_of(output: Path) -> list[Any]:
    if output.suffix == ".csv":
        with output.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    return records(output)


def journal(output: Path) -> list[str]:
    file = PartFiles(output).folder / "journal"
    return file.read_text().splitlines() if file.is_file() else []


def start(model: Path, output: Path, *options: str) -> "subprocess.Popen[bytes]":
    given = [f"model_uri={model}", f"output={output}", *options]
    return subprocess.Popen([sys.executable, "-m", "slugline", "predict", *given], stderr=subprocess.DEVNULL)


def kill_when(process: "subprocess.Popen[bytes]", reached: Callable[[], bool]) -> bool:
    """Kill a process as soon as a condition holds; return whether it had not ended by itself."""
    limit = time.monotonic() + 60
    while process.poll() is None and not reached():
        assert time.monotonic() < limit
        time.sleep(0.0005)
    process.kill()
    return process.wait() == -signal.SIGKILL


def interrupt(model: Path, options: PredictOptions, batches: int) -> None:
    """Predict until so many batches are labelled."""
    calls = iter(range(batches))

    def on_progress(_: PredictionCounts) -> None:
        if next(calls, None) is None:
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        predict_files(model, options, on_progress=on_progress)
    assert len(journal(Path(str(options.output)))) == batches + 1


def summary_numbers(stderr: str) -> list[int]:
    match = SUMMARY.search(stderr)
    assert match, stderr
    return [int(number) for number in match.groups()]


def test_dates_are_written_in_iso_8601_or_as_they_came_and_counted(run: Predict) -> None:
    rows = [{"text": "Rain fell.", "published": date} for date in ("1-Dec-23", "27.02.2024", "soon", None)]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    counts = run(input="a.jsonl", output="topics.jsonl")
    assert [row["published"] for row in records(Path("topics.jsonl"))] == ["2023-12-01", "2024-02-27", "soon", None]
    assert (counts.dated, counts.undated) == (2, 1)


def test_each_sentence_is_a_record_with_its_topics_and_probabilities(run: Predict, model: Path) -> None:
    counts = run(output="topics.jsonl")
    rows = records(Path("topics.jsonl"))
    loaded = load_model(model)
    texts = {article["article_id"]: article["text"] for article in records(SAMPLE)}
    debris = sum(row["debris"] for row in rows)
    assert counts == PredictionCounts(len(texts), len(rows), debris, dated=len(texts))
    assert all(row["text"] == texts[row["article_id"]][row["start"] : row["end"]] for row in rows)
    probabilities = loaded.predict_proba([row["text"] for row in rows])
    np.testing.assert_allclose([[row[topic] for topic in loaded.topics] for row in rows], probabilities, atol=1e-12)
    expected = loaded.to_topics(loaded.decide(probabilities))
    assert all(
        tuple(row["topics"]) == (() if row["debris"] else names) for row, names in zip(rows, expected, strict=True)
    )
    assert not Path("topics.jsonl.parts").exists()
    assert not Path("topics.jsonl.rejected.jsonl").exists()


def test_jsonl_csv_and_parquet_hold_the_same(run: Predict) -> None:
    Path("few.jsonl").write_text("".join(SAMPLE.read_text("utf-8").splitlines(keepends=True)[:40]), "utf-8")
    for ending in ENDINGS:
        run(input="few.jsonl", output=f"topics.{ending}", explain=2)
    lines, table = records(Path("topics.jsonl")), parquet.read_table("topics.parquet")
    assert [row | {"explain": json.loads(row["explain"])} for row in table.to_pylist()] == lines
    assert table.schema.field("topics").type == pa.list_(pa.string())
    cells = rows_of(Path("topics.csv"))
    assert [list(row) for row in cells[:1]] == [list(row) for row in lines[:1]]
    for column in ("sentence_id", "text", "start", "debris", "protest"):
        assert [row[column] for row in cells] == [str(row[column]) for row in lines]
    assert [row["topics"] for row in cells] == [",".join(row["topics"]) for row in lines]
    assert [json.loads(row["explain"]) for row in cells] == [row["explain"] for row in lines]


@pytest.mark.slow
def test_an_article_id_that_an_earlier_article_has_is_rejected_and_told(
    run: Predict, model: Path, command: Any, tmp_path: Path
) -> None:
    rows = [{"article_id": str(number), "text": f"Talks {number} began."} for number in range(40)]
    lines = ["{", *map(json.dumps, [{"article_id": "7", "text": " "}, *rows, rows[0], rows[39]])]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "in" / "b.csv").write_text("article_id,text\n7,Far apart.\nnew,It rained.\n")
    for n_jobs in (1, 2):
        options = [f"model_uri={model}", "input=in", "output=out.csv", "batch=300", f"n_jobs={n_jobs}"]
        done = command(tmp_path, "predict", *options)
        assert done.returncode == 0, done.stderr
        assert summary_numbers(done.stderr)[:3] == [46, 41, 5]
        assert "rejected rows with reasons: out.csv.rejected.jsonl (3 repeat an article_id; the first" in done.stderr
        rejected = [(row["where"], row["reason"]) for row in records(tmp_path / "out.csv.rejected.jsonl")][2:]
        again = [("a.jsonl:43", "0", "a.jsonl:3"), ("a.jsonl:44", "39", "a.jsonl:42"), ("b.csv:2", "7", "a.jsonl:10")]
        assert rejected == [(place, f"repeats the article_id '{one}' of {first}") for place, one, first in again]
    interrupt(model, PredictOptions(input="in", output="again.csv", batch=300, n_jobs=1), 3)
    counts = run(input="in", output="again.csv", batch=300, resume=True)
    assert (counts.articles, counts.repeated) == (41, 3)
    assert Path("again.csv").read_bytes() == Path("out.csv").read_bytes()
    (tmp_path / "in" / "a.jsonl").unlink()
    done = command(tmp_path, "predict", f"model_uri={model}", "input=in", "output=out.csv")
    assert "rejected rows" not in done.stderr
    assert not (tmp_path / "out.csv.rejected.jsonl").exists()


def test_a_prediction_that_stopped_at_a_bad_row_can_be_resumed_without_it_but_not_the_reverse(
    run: Predict, model: Path, tmp_path: Path
) -> None:
    rows = [json.dumps({"article_id": str(number), "text": f"Talks {number} began."}) for number in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join([*rows[:30], "{", *rows[30:]]))
    options = {"input": "a.jsonl", "output": "out.jsonl", "batch": 300, "n_jobs": 1}
    with pytest.raises(InputError, match=r"a\.jsonl:31: .*; on_error=reject goes on without it"):
        run(**options, on_error="stop")
    assert len(journal(Path("out.jsonl"))) > 5
    counts = run(**options, resume=True)
    assert (counts.articles, counts.rejected) == (40, 1)

    other = options | {"output": "other.jsonl"}
    interrupt(model, PredictOptions(**other), 12)  # beyond the bad row
    with pytest.raises(InputError, match=r"a\.jsonl:31: .*; on_error=reject goes on without it"):
        run(**other, on_error="stop", resume=True)
    assert run(**other, resume=True) == counts
    assert Path("other.jsonl").read_bytes() == Path("out.jsonl").read_bytes()


def test_boilerplate_which_takes_all_articles_is_not_looked_for_and_that_is_told() -> None:
    with pytest.raises(InputError, match=r"cleaning\.boilerplate=true: .*; allowed: false"):
        PredictOptions(cleaning={"boilerplate": True})
    assert "boilerplate" not in PredictOptions(cleaning={"boilerplate": False}).labeller().steps


@pytest.mark.slow
def test_an_interrupted_run_prints_the_line_that_continues(model: Path, long_input: Path, tmp_path: Path) -> None:
    given = [f"model_uri={model}", f"input={long_input}", "output=out put.jsonl", "batch=20000", "n_jobs=1"]
    line = [sys.executable, "-m", "slugline", "predict"]
    process = subprocess.Popen([*line, *given], stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while process.poll() is None and len(journal(tmp_path / "out put.jsonl")) < 3:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    message = process.communicate(timeout=60)[1]
    assert process.returncode == 130, message
    advice = shlex.split(message.partition("to continue: ")[2])
    assert advice == ["slugline", "predict", *given, "resume=true"]


@pytest.mark.slow
def test_workers_end_with_a_main_process_that_is_killed_and_all_cores_take_up_its_work(
    run: Predict, model: Path, long_input: Path, tmp_path: Path, whole_jsonl: Path
) -> None:
    output = tmp_path / "killed.jsonl"
    process = start(model, output, f"input={long_input}", f"batch={SMALL}", "n_jobs=2")
    seen: set[int] = set()
    assert kill_when(process, lambda: bool(seen.update(children(process.pid))) or len(journal(output)) > 3)
    assert len(seen) >= 2
    limit = time.monotonic() + 20
    while any(is_alive(worker) for worker in seen) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(is_alive(worker) for worker in seen)
    run(input=str(long_input), output=str(output), batch=SMALL, n_jobs=2, resume=True)
    assert output.read_bytes() == whole_jsonl.read_bytes()


@pytest.mark.slow
def test_a_worker_that_is_killed_is_an_error_and_its_work_can_be_resumed(
    model: Path, long_input: Path, tmp_path: Path, whole_jsonl: Path
) -> None:
    def kill_workers(counts: PredictionCounts) -> None:
        for worker in active_children() if counts.sentences else []:
            worker.kill()

    options = PredictOptions(input=long_input, output=tmp_path / "topics.jsonl", batch=SMALL, n_jobs=2)
    with pytest.raises(InputError, match="a worker process ended before its work was done, perhaps killed for lack of"):
        predict_files(model, options, on_progress=kill_workers)
    assert len(journal(tmp_path / "topics.jsonl")) > 1
    predict_files(model, replace(options, resume=True, n_jobs=1))
    assert (tmp_path / "topics.jsonl").read_bytes() == whole_jsonl.read_bytes()


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


# when to kill a run: as soon as it wrote more than so many parts, or while or after these are joined
MOMENTS = {".jsonl": (1, 13, "joining", "joined"), ".csv": (8, "joined"), ".parquet": (20, "joining")}


@pytest.mark.slow
def test_a_run_may_be_killed_at_any_moment(
    run: Predict, model: Path, long_input: Path, tmp_path: Path, whole: Path
) -> None:
    output = tmp_path / f"killed{whole.suffix}"
    given = [f"input={long_input}", f"batch={SMALL}", f"n_jobs={1 + (whole.suffix == '.csv')}", "resume=true"]
    for moment in MOMENTS[whole.suffix]:
        killed = kill_when(start(model, output, *given), partial(is_reached, moment, output))
        assert killed or isinstance(moment, str)  # what follows a moment of the end may be quicker than we are
        assert not output.exists() or output.read_bytes() == whole.read_bytes()
        if moment == "joined":  # take it up from there, then once more from nothing
            run(input=str(long_input), output=str(output), batch=SMALL, resume=True)
            assert output.read_bytes() == whole.read_bytes()
            output.unlink()
    counts = run(input=str(long_input), output=str(output), batch=SMALL, resume=True)
    assert output.read_bytes() == whole.read_bytes()
    assert Path(f"{output}.rejected.jsonl").read_bytes() == Path(f"{whole}.rejected.jsonl").read_bytes()
    rejected = records(Path(f"{output}.rejected.jsonl"))
    assert (counts.articles, counts.sentences) == (4 * len(records(SAMPLE)), len(rows_of(output)))
    assert (counts.rejected, counts.first_rejected) == (len(rejected), Rejected(**rejected[0]))
    assert not PartFiles(output).folder.exists()


def is_reached(moment: int | str, output: Path) -> bool:
    """Return whether it is the moment to kill, or up to a twentieth of a second after it."""
    if isinstance(moment, int):
        reached = len(journal(output)) > moment
    else:
        reached = output.exists() if moment == "joined" else (PartFiles(output).folder / "whole").exists()
    if reached and isinstance(moment, int):
        time.sleep(random.uniform(0, 0.05))
    return reached


@pytest.mark.slow
def test_a_torn_line_of_the_journal_counts_for_nothing(
    run: Predict, model: Path, long_input: Path, tmp_path: Path, whole_jsonl: Path
) -> None:
    output = tmp_path / "interrupted.jsonl"
    interrupt(model, PredictOptions(input=str(long_input), output=str(output), batch=SMALL, n_jobs=1), batches=2)
    parts = PartFiles(output).folder
    (parts / "journal").write_text("\n".join(journal(output)[:2]) + "\n[12, 3")
    (parts / "00000001.rows").write_text("torn")
    (parts / "whole").write_text("torn")
    run(input=str(long_input), output=str(output), batch=SMALL, resume=True)
    assert output.read_bytes() == whole_jsonl.read_bytes()


def leave_parts(output: Path, mark: str = "another job") -> None:
    """Leave part files as a job that failed does."""
    with suppress(RuntimeError), PartFiles(output).open(mark, resume=False):
        PartFiles(output).write(0, b"rows of another job\n", [Rejected("x", "y")], "[1, 1, 0, 1, null]")
        raise RuntimeError


def test_parts_of_another_job_are_refused(run: Predict, tmp_path: Path) -> None:
    leave_parts(tmp_path / "topics.jsonl")
    with pytest.raises(InputError, match="belongs to another model, input or config; remove it, or start again"):
        run(output="topics.jsonl", resume=True)


def test_without_resume_parts_of_another_job_are_thrown_away(run: Predict, tmp_path: Path) -> None:
    leave_parts(tmp_path / "topics.jsonl")
    run(output="topics.jsonl")
    assert "another job" not in Path("topics.jsonl").read_text()
    assert not Path("topics.jsonl.parts").exists()


def test_parts_are_of_another_job_when_input_model_or_an_option_changed(
    run: Predict, model: Path, long_input: Path, tmp_path: Path
) -> None:
    mine = Path(shutil.copytree(model, tmp_path / "mine"))
    source = Path(shutil.copy(long_input, tmp_path / "long.jsonl"))
    options = {"input": str(source), "output": "topics.jsonl", "batch": SMALL, "n_jobs": 1}
    interrupt(mine, PredictOptions(**options), batches=2)
    for change in ({"explain": 1}, {"split_sentences": False}, {"batch": SMALL - 1}, {"columns": {"title": "source"}}):
        with pytest.raises(InputError, match="belongs to another"):
            run(mine, **options | change, resume=True)
    shutil.copy(model / "thresholds.npy", mine / "more.npy")
    with pytest.raises(InputError, match="belongs to another"):
        run(mine, **options, resume=True)
    (mine / "more.npy").unlink()
    with source.open("a") as stream:
        stream.write("\n")
    with pytest.raises(InputError, match="belongs to another"):
        run(mine, **options, resume=True)


def test_two_processes_cannot_write_the_same_output(run: Predict, tmp_path: Path) -> None:
    with PartFiles(tmp_path / "topics.jsonl").open("another job", resume=False):
        with pytest.raises(InputError, match=r"another process is writing topics\.jsonl"):
            run(output="topics.jsonl")
        assert journal(tmp_path / "topics.jsonl") == ["another job"]


def test_rows_that_cannot_be_read_go_to_a_file_with_the_reason(run: Predict) -> None:
    rows = ['{"text": "One. Two here."}', "{", '{"text": ""}', "[1]", '{"title": "no text"}', '{"text": "Three came."}']
    Path("in.jsonl").write_text("\n".join(rows))
    counts = run(input="in.jsonl", output="topics.csv")
    rejected = records(Path("topics.csv.rejected.jsonl"))
    assert counts == PredictionCounts(2, 3, 0, 4, Rejected(**rejected[0]))
    assert [row["where"] for row in rejected] == ["in.jsonl:2", "in.jsonl:3", "in.jsonl:4", "in.jsonl:5"]
    assert rejected[3]["reason"] == "no column 'text' for the text; found: title"
    Path("in.jsonl").write_text(rows[0])
    run(input="in.jsonl", output="topics.csv")
    assert not Path("topics.csv.rejected.jsonl").exists()  # of the run before


def test_without_any_article_the_error_names_the_first_reason_and_an_old_output_stays(run: Predict) -> None:
    Path("in.jsonl").write_text("{\n[]\n")
    old = '{"sentence_id": "1", "article_id": "a", "text": "Rain.", "topics": []}\n'
    Path("topics.jsonl").write_text(old)
    with pytest.raises(InputError, match=r"no article could be read; in\.jsonl:1: not JSON"):
        run(input="in.jsonl", output="topics.jsonl")
    assert Path("topics.jsonl").read_text() == old
    assert len(records(Path("topics.jsonl.rejected.jsonl"))) == 2
    assert not Path("topics.jsonl.parts").exists()


def test_an_input_of_empty_files_is_an_error(run: Predict) -> None:
    Path("in.jsonl").touch()
    with pytest.raises(InputError, match=r"no article could be read; in\.jsonl: empty"):
        run(input="in.jsonl", output="topics.parquet")


def test_files_folders_globs_and_gz_are_read_in_order(run: Predict) -> None:
    Path("in").mkdir()
    for name in ("b", "a"):
        Path(f"in/{name}.txt").write_text(f"Protest in {name}.")
    with gzip.open("in/c.jsonl.gz", "wt") as stream:
        stream.write('{"article_id": "c", "text": "Protest in c."}\n')
    run(input="in", output="folder.jsonl")
    run(input="in/*", output="glob.jsonl")
    run(input=["in/a.txt", "in/b.txt", "in/c.jsonl.gz"], output="list.jsonl")
    texts = [f"Protest in {name}." for name in "abc"]
    for output in ("folder", "glob", "list"):
        assert [row["text"] for row in records(Path(f"{output}.jsonl"))] == texts


def test_standard_input_is_labelled_to_standard_output(model: Path) -> None:
    line = '{"article_id": "é\\ud800", "text": "Protesters marched in Kraków – again. They left."}\n{\n'
    arguments = [sys.executable, "-m", "slugline", "predict", f"model_uri={model}", "format=jsonl"]
    latin = os.environ | {"PYTHONIOENCODING": "latin-1"}  # of the terminal; JSON is in UTF-8 all the same
    done = subprocess.run(arguments, input=line, env=latin, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["Protesters marched in Kraków – again.", "They left."]
    assert done.stderr.splitlines()[0].startswith("slugline: stdin:2: not JSON")
    assert summary_numbers(done.stderr) == [2, 1, 1, 2, 0]


def test_the_command_writes_the_file_that_the_library_writes(run: Predict, command: Any, model: Path) -> None:
    Path("in.csv").write_text('Body\n"Protesters marched in Kraków. They left."\n""\n')
    options = {"input": "in.csv", "columns": {"text": "Body"}, "explain": 2, "encoding": "utf-8"}
    counts = run(output="library.csv", **options)
    given = ["input=in.csv", "columns.text=Body", "explain=2", "output=command.csv"]
    done = command(Path(), "predict", f"model_uri={model}", *given)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"model   {model}; trained 20")
    assert len(done.stderr.splitlines()) == 3  # a progress bar is for terminals
    assert summary_numbers(done.stderr) == [2, counts.articles, counts.rejected, counts.sentences, counts.debris]
    assert Path("command.csv").read_bytes() == Path("library.csv").read_bytes()


def test_a_stream_gets_the_records_of_a_file_and_callbacks_the_rest(run: Predict, model: Path) -> None:
    Path("in.jsonl").write_text('{"text": "One came."}\n{\n{"text": "Two. Three."}\n')
    run(input="in.jsonl", output="topics.jsonl")
    stream, rejected, progress = io.BytesIO(), list[Rejected](), list[PredictionCounts]()
    options = PredictOptions(input="in.jsonl", batch=1)
    counts = predict_files(model, options, stream=stream, on_rejected=rejected.append, on_progress=progress.append)
    assert stream.getvalue() == Path("topics.jsonl").read_bytes()
    assert [row.to_record() for row in rejected] == records(Path("topics.jsonl.rejected.jsonl"))
    assert [step.sentences for step in progress] == [0, 1, 1, 3]
    assert counts == progress[-1] == PredictionCounts(2, 3, 0, 1, rejected[0])


def test_without_output_and_stream_there_is_nowhere_to_write(model: Path) -> None:
    with pytest.raises(ValueError, match="give predict_files a stream to write to"):
        predict_files(model, PredictOptions(input=str(SAMPLE)))


@pytest.mark.slow
def test_the_progress_of_a_resumed_run_begins_with_what_is_done(run: Predict, model: Path, long_input: Path) -> None:
    options = PredictOptions(input=str(long_input), output="topics.jsonl", batch=SMALL, n_jobs=1)
    interrupt(model, options, batches=3)
    progress: list[PredictionCounts] = []
    predict_files(model, replace(options, resume=True), on_progress=progress.append)
    labelled = [json.loads(line) for line in Path("topics.jsonl").read_text().splitlines()]
    assert 0 < progress[0].sentences < progress[1].sentences < progress[-1].sentences == len(labelled)


@pytest.mark.slow
def test_a_model_saved_anew_in_the_same_folder_is_the_one_used(run: Predict, model: Path) -> None:
    loaded = load_model(model)
    for topics in (loaded.topics, loaded.topics[::-1]):
        shutil.rmtree("mine", ignore_errors=True)
        save_model(replace(loaded, topics=topics), Path("mine"))
        run(Path("mine"), output="topics.jsonl")
        assert tuple(records(Path("topics.jsonl"))[0])[-len(topics) :] == topics


@pytest.mark.slow
def test_on_all_cores_rows_and_their_order_are_the_same(run: Predict, long_input: Path, whole_jsonl: Path) -> None:
    run(input=str(long_input), output="all.jsonl", batch=SMALL, n_jobs=2)
    assert Path("all.jsonl").read_bytes() == whole_jsonl.read_bytes()


@pytest.mark.slow
def test_the_batch_makes_no_difference_to_the_rows(run: Predict) -> None:
    run(output="one.jsonl")
    run(output="many.jsonl", batch=5_000)
    one, many = records(Path("one.jsonl")), records(Path("many.jsonl"))
    assert [row["sentence_id"] for row in one] == [row["sentence_id"] for row in many]
    assert all(abs(a["protest"] - b["protest"]) < 1e-12 for a, b in zip(one, many, strict=True))


def test_prediction_from_a_folder_imports_nothing_heavy(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Protesters marched.")
    code = f"""
import sys
from slugline.cli import main
sys.argv = ["slugline", "predict", "model_uri={model}", "input=a.txt", "output=topics.jsonl", "explain=1"]
main()
heavy = ["pandas", "sklearn", "mlflow", "matplotlib", "joblib", "skops", "tqdm", "dask", "concurrent.futures.process"]
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_when_nobody_reads_on_it_ends_in_silence(model: Path) -> None:
    arguments = [sys.executable, "-m", "slugline", "predict", f"model_uri={model}", f"input={SAMPLE}", "n_jobs=1"]
    with subprocess.Popen([*arguments, "batch=1000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_standard_output_is_one_line(model: Path) -> None:
    arguments = [sys.executable, "-m", "slugline", "predict", f"model_uri={model}", f"input={SAMPLE}", "n_jobs=1"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "slugline: cannot write standard output: No space left on device\n")


@pytest.mark.slow
def test_when_the_disk_refuses_more_the_work_done_is_kept(run: Predict, model: Path, tmp_path: Path) -> None:
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000)); "
    code = f"{limit}from slugline.cli import main; sys.argv[0] = 'slugline'; main()"
    given = ["predict", f"model_uri={model}", f"input={SAMPLE}", "output=topics.jsonl", f"batch={SMALL}"]
    done = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "slugline: output: cannot write topics.jsonl: File too large; resume=true continues from the finished parts\n"
    )
    assert len(journal(tmp_path / "topics.jsonl")) > 1
    run(output="topics.jsonl", batch=SMALL, resume=True)
    run(output="whole.jsonl", batch=SMALL)
    assert Path("topics.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()


def test_an_output_that_would_be_read_as_input_is_refused(run: Predict) -> None:
    Path("in").mkdir()
    for name in ("in/a.jsonl", "b.jsonl"):
        shutil.copy(SAMPLE, name)
    for source, output in (("b.jsonl", "b.jsonl"), ("*.jsonl", "./b.jsonl"), (["in/a.jsonl"], "in/../in/a.jsonl")):
        with pytest.raises(InputError, match="is read as input; write to another file"):
            run(input=source, output=output)
    with pytest.raises(InputError, match="lies in the input folder in; write it elsewhere"):
        run(input="in", output="in/new.jsonl")
    assert Path("b.jsonl").read_bytes() == SAMPLE.read_bytes()
    assert sorted(file.name for file in Path().iterdir()) == ["b.jsonl", "in"]


def test_parts_are_not_read_as_input_when_a_glob_finds_their_folder(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(SAMPLE, tmp_path / "in")
    output, source = tmp_path / "topics.csv", f"{tmp_path}/**/*.jsonl"
    options = PredictOptions(input=source, output=str(output), batch=10_000, n_jobs=1)
    interrupt(model, options, batches=3)
    assert predict_files(model, replace(options, resume=True)).articles == len(records(SAMPLE))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "topics.xlsx"}, r"'topics\.xlsx' ends in '\.xlsx'; allowed: \.jsonl, \.csv, \.parquet"),
        ({"output": "no/topics.csv"}, "there is no folder no; make it first"),
        ({"output": "folder.csv"}, r"folder\.csv is a folder; give a file"),
        ({"output": "topics.csv", "input": "nowhere"}, "input: no such file or folder: nowhere"),
        ({"output": "topics.csv", "input": "-", "resume": True}, "standard input cannot be read again"),
        ({"resume": True}, "only output to a file can be resumed"),
        ({"output": "topics.csv", "format": "docx"}, "^format: unknown format 'docx'; allowed: text"),
        ({"output": "topics.csv", "encoding": "klingon"}, "^encoding: there is no 'klingon'; allowed"),
        ({"columns": {"body": "text"}}, "^columns: unknown column 'body'; allowed: article_id"),
        ({"explain": -1}, "explain: -1; allowed"),
        ({"batch": 0}, "batch: 0; allowed"),
        ({"n_jobs": 0}, "n_jobs: 0; allowed"),
        ({"engine": "ray"}, "unknown engine 'ray'; allowed: local, dask"),
        ({"dask_address": "tcp://127.0.0.1:1"}, "only engine=dask uses a cluster"),
        ({"folder": Path("nowhere")}, "nowhere"),
    ],
)
def test_options_that_are_not_allowed_are_refused_before_anything_is_written(
    run: Predict, options: dict[str, Any], message: str
) -> None:
    Path("folder.csv").mkdir()
    with pytest.raises(InputError, match=message):
        run(**options)
    assert [file.name for file in Path().iterdir()] == ["folder.csv"]


@pytest.mark.parametrize("topic", ["text", "topics", "explain", "sentence_id"])
def test_a_topic_named_like_a_column_is_refused(run: Predict, model: Path, topic: str) -> None:
    loaded = load_model(model)
    save_model(replace(loaded, topics=(topic, *loaded.topics[1:])), Path("clash"))
    with pytest.raises(InputError, match=f"the model has a topic '{topic}', and predictions a column of that name"):
        run(Path("clash"), output="topics.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["war, peace", "[war]", '"a,b"', "C++", "law & order", "🔥 fire", "x" * 300])
def test_topics_of_any_name_come_back_from_every_format(run: Predict, model: Path, name: str) -> None:
    loaded = load_model(model)
    save_model(replace(loaded, topics=(name, *loaded.topics[1:])), Path("named"))
    Path("some.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in records(SAMPLE)[:60]), "utf-8")
    for ending in ENDINGS:
        run(Path("named"), input="some.jsonl", output=f"topics.{ending}")
    rows = records(Path("topics.jsonl"))
    frame = pd.read_csv("topics.csv", keep_default_na=False)
    assert name in frame.columns
    assert name in parquet.read_schema("topics.parquet").names
    given = {tuple(row["topics"]) for row in rows}
    assert any(name in topics for topics in given)
    cells = frame["topics"].tolist()
    with_lists = "," in name or name.startswith("[")
    read = [json.loads(cell) if with_lists else [topic for topic in cell.split(",") if topic] for cell in cells]
    assert read == [row["topics"] for row in rows]
    again = [parse_labels(cell, ",", "topics.csv") for cell in cells]  # as `data=sentences` reads them
    assert again == [tuple(row["topics"]) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_output_takes_the_place_of_predictions_and_of_nothing_else(run: Predict, ending: str) -> None:
    output = Path(f"topics.{ending}")
    output.touch()
    first = run(output=str(output))
    assert run(output=str(output)) == first
    for content in (b"my notes\n", b'{"sentence_id": "a", "labels": []}\n', b"text,topics\na,b\n", b"[1]", b"\xff" * 9):
        output.write_bytes(content)
        with pytest.raises(InputError, match=f"^output: {output} is there already and holds no predictions; give"):
            run(output=str(output))
        assert output.read_bytes() == content
    Path("other." + ending + ".parts").mkdir()
    (Path("other." + ending + ".parts") / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="which holds other files; give another output"):
        run(output=f"other.{ending}")
    assert (Path("other." + ending + ".parts") / "mine.txt").read_text() == "mine"


def test_explain_gives_the_terms_of_each_topic_given(run: Predict, model: Path) -> None:
    run(output="topics.jsonl", explain=5)
    loaded = load_model(model)
    rows = records(Path("topics.jsonl"))
    assert any(row["topics"] for row in rows)
    for row in rows[:200]:
        assert list(row["explain"]) == row["topics"]
        assert all(len(terms) <= 6 and "(intercept)" in terms for terms in row["explain"].values())
        if row["topics"]:
            assert row["explain"] == loaded.explain(row["text"], 5, row["topics"])


def test_explain_is_refused_for_a_model_that_is_not_linear(run: Predict) -> None:
    linear = load_model(ROOT / "tests" / "models" / "v1" / "model")
    X, y = np.eye(6, len(linear.terms)), [0, 0, 0, 1, 1, 1]
    trees = [DecisionTreeClassifier(random_state=0).fit(X, y) for _ in linear.topics]
    save_model(replace(linear, head=EstimatorHead(trees, np.ones(len(trees)), np.zeros(len(trees)))), Path("trees"))
    with pytest.raises(InputError, match="only linear models have a weight for each term; give explain=0"):
        run(Path("trees"), output="topics.jsonl", explain=5)
    assert run(Path("trees"), output="topics.jsonl").articles == len(records(SAMPLE))


@pytest.mark.slow
def test_a_terminal_sees_a_progress_bar(model: Path, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "slugline", "predict", f"model_uri={model}", f"input={SAMPLE}", f"batch={SMALL}"]
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 120))
    subprocess.run([*arguments, "n_jobs=1", "output=topics.csv"], cwd=tmp_path, stderr=theirs, check=True)
    os.close(theirs)
    terminal = b""
    with suppress(OSError):  # the other end is closed
        while more := os.read(ours, 1 << 16):
            terminal += more
    os.close(ours)
    assert b"sentences/s" in terminal
    assert summary_numbers(terminal.decode())[0] == len(records(SAMPLE))
