"""No CSV file that Slugline writes has a cell that a spreadsheet runs as a formula, and each is read back as it was."""

import ast
import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import store_of
from hypothesis import given
from hypothesis import strategies as st

import slugline
from slugline.cli import execute
from slugline.data.readers import read_rows
from slugline.labels.codebook_change import read_change
from slugline.labels.gold_change import change_gold
from slugline.prediction import PredictOptions, predict_files
from slugline.spreadsheets import escape, escape_ambiguous, guard, table_to_csv, unescape, unguard

PACKAGE = Path(slugline.__file__).parent
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1",
    "'=1",
    "''=1",
    "'",
    "0012",
    "1e5",
    "'quoted'",
    "- he said",
]
STARTS = tuple("=+-@\t\r＝＋－＠")
WRITERS = {"spreadsheets.py", "labels/gold_change.py"}  # the latter rewrites a file of the user's, in its own form


def cells_of(file: Path) -> list[str]:
    """Return all cells of a CSV file, that of a number left out."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    return [cell for cell in cells if not is_number(cell)]


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def assert_guarded(folder: Path, *, at_least: int) -> None:
    """Check every CSV file below a folder."""
    files = sorted(folder.rglob("*.csv"))
    assert len(files) >= at_least, files
    for file in files:
        assert [cell for cell in cells_of(file) if cell.startswith(STARTS)] == [], file


@given(st.text(alphabet="'=+-@\t\r\n＝0123e,ax "))
def test_the_guard_can_be_taken_off(text):
    assert unescape(escape(text)) == text
    assert unescape(escape_ambiguous(text)) == text
    assert unguard(guard(text)) == text
    assert not escape(text).startswith(STARTS)
    assert not guard(text).startswith(STARTS)
    assert guard("812730e566838452") == "812730e566838452"  # an id that programs join tables by


def test_a_table_is_guarded_in_cells_names_and_index_and_numbers_stay():
    table = pd.DataFrame({"=a": HOSTILE, "n": -0.5, "m": [None, *HOSTILE[1:]]}, index=pd.Index(HOSTILE, name="@i"))
    rows = list(csv.reader(io.StringIO(table_to_csv(table, index=True), newline="")))
    assert rows[0] == ["'@i", "'=a", "n", "m"]
    assert [row[:3] for row in rows[1:]] == [[guard(text), guard(text), "-0.5"] for text in HOSTILE]
    assert table.index.name == "@i"  # what was given is not changed
    assert table_to_csv(pd.DataFrame(columns=["=a"])) == "'=a\r\n"


def test_all_csv_is_written_in_one_place():
    names = {"to_csv", "writer", "DictWriter", "write_csv", "writerow", "writerows"}
    for file in PACKAGE.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        found = {call.attr for call in calls if isinstance(call, ast.Attribute)} & names
        assert not found or file.relative_to(PACKAGE).as_posix() in WRITERS, file


@pytest.fixture(scope="module")
def articles(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("articles") / "articles.jsonl"
    rows = [
        {"article_id": text, "title": text, "source": text, "text": f"{text} said the mayor"}
        for text in HOSTILE
        if text.strip()
    ]
    rows = [row for row in rows if row["article_id"].strip() == row["article_id"]]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def predict(articles: Path, output: Path, **options) -> list[dict]:
    model = Path(__file__).parent / "models/v1/model"
    predict_files(model, PredictOptions(input=articles, output=output, n_jobs=1, **options))
    return [row for _, row in read_rows(str(output))]


def test_predictions_are_guarded_and_read_back_as_they_were(articles, tmp_path):
    guarded = predict(articles, tmp_path / "guarded.csv", explain=2)
    assert_guarded(tmp_path, at_least=1)
    plain = predict(articles, tmp_path / "plain.jsonl", explain=2)
    for name in ("article_id", "title", "source", "text", "sentence_id"):
        assert [row[name] for row in guarded] == [row[name] for row in plain]


def test_predictions_for_machines_keep_their_text(articles, tmp_path):
    predict(articles, tmp_path / "kept.csv", csv_formulas="keep")
    assert "=1+1 said the mayor" in cells_of(tmp_path / "kept.csv")
    with pytest.raises(slugline.InputError, match=r"^csv_formulas: 'no'; allowed: guard, keep$"):
        PredictOptions(csv_formulas="no")


def test_a_file_of_others_is_read_as_it_is(tmp_path):
    (tmp_path / "a.csv").write_text("text,topics\n'=1+1,x\n")
    assert [row["text"] for _, row in read_rows(str(tmp_path / "a.csv"))] == ["'=1+1"]


def test_the_codebook_changes_in_predictions_that_serve_as_gold(articles, tmp_path):
    predict(articles, tmp_path / "gold.csv")
    table = pd.read_csv(tmp_path / "gold.csv", dtype=str)
    table.assign(topics="'-war").to_csv(tmp_path / "gold.csv", index=False)
    columns = {"labels": "topics"}
    change = read_change(["-war", "aid"], rename={"-war": "+war"}, merge={}, drop=[])
    changed = change_gold(tmp_path / "gold.csv", change, columns=columns, delimiter=",", mode="multilabel")
    assert changed.changed == len(table)
    (tmp_path / "gold.csv").write_bytes(changed.content)
    assert set(pd.read_csv(tmp_path / "gold.csv", dtype=str)["topics"]) == {"'+war"}
    assert {row["topics"] for _, row in read_rows(str(tmp_path / "gold.csv"))} == {"+war"}


@pytest.fixture(scope="module")
def hostile_project(tmp_path_factory) -> Path:
    """Articles, a taxonomy and gold labels with names that begin as formulas do."""
    folder = tmp_path_factory.mktemp("hostile")
    random_words = ["truce", "relief", "court", "rain", "police", "mayor"]
    rows = []
    for number in range(24):
        first, second = random_words[number % 6], random_words[(number // 2) % 6]
        text = f"=A{number} the {first} held.\n+B{number} the {second} came.\n-C{number} a day of rain."
        rows.append({"article_id": f"={number}", "source": f"@{number % 2}", "title": f"+{number}", "text": text})
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    conf = folder / "conf/labels"
    conf.mkdir(parents=True)
    (conf / "mine.yaml").write_text(
        "defaults:\n  - rules\ntopics:\n"
        "  '=war': {keywords: [truce]}\n  '-aid': {keywords: [relief]}\n  '@law': {keywords: [court]}\n"
        "functions:\n  '=not': {topic: '=war', vote: against, any: [truce]}\n"
    )
    return folder


@pytest.mark.slow
def test_every_csv_file_that_commands_write_is_guarded(hostile_project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_of(tmp_path))
    data = [
        "--config-dir",
        str(hostile_project / "conf"),
        "data=articles",
        f"data.path={hostile_project}/articles.jsonl",
        "labels=mine",
    ]
    quick = ["split.duplicates=off", "features=word", "folds=2", "plots=false"]  # texts are alike on purpose
    execute(["train", *data, *quick])
    execute(["train", "-m", *data, *quick, "model.C=0.1,1"])
    execute(["label", *data])
    execute(["label", *data, "tasks=tasks.csv", "size=5"])
    execute(["review", *data, "output=queue.csv", "size=5", "model_uri=models:/slugline@champion"])
    execute(["compare", "experiment=slugline", "last=2"])
    execute(
        ["predict", "model_uri=models:/slugline@champion", f"input={hostile_project}/articles.jsonl", "output=p.csv"]
    )
    assert_guarded(tmp_path, at_least=20)
