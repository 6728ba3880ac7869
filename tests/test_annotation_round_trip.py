"""Tasks in every format, by `label` and by `review`, come back as gold labels that a model is trained on."""

import csv
import json
import shlex
from pathlib import Path

import pytest
from annotating import ENDINGS, annotate

from slugline.annotate import FORMATS

TOPICS = {"law & order": "The police arrested a man", "cup, final": "The team won the match"}
TAXONOMY = """defaults: [rules]
topics:
  law & order: [police]
  cup, final: [match]
"""
SHARED = ("--config-dir=conf", "data=articles", "data.path=news.jsonl", "labels=mine")
ALIKE = "split.duplicates=off"  # else articles of one topic are copies
SMALL = (ALIKE, "features=word", "split.test=0.25", "tracking=off", "cache=off", "plots=false", "folds=2")


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path)


def make_folder(folder: Path) -> Path:
    """Write articles and a taxonomy with names that need quotes."""
    (folder / "conf" / "labels").mkdir(parents=True)
    (folder / "conf" / "labels" / "mine.yaml").write_text(TAXONOMY)
    texts = [f"{opening} in “old” Zürich on day {day}." for day in range(12) for opening in TOPICS.values()]
    rows = [{"article_id": f"a{number}", "source": "AB"[number % 2], "text": text} for number, text in enumerate(texts)]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def answers_of(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the right answer for every sentence."""
    from slugline.data.corpus import ArticleCorpus

    sentences = ArticleCorpus(str(folder / "news.jsonl"))().sentences()
    pairs = zip(sentences["sentence_id"], sentences["text"], strict=True)
    return {key: tuple(topic for topic, opening in TOPICS.items() if opening in text) for key, text in pairs}


def gold_of(folder: Path, file: str = "gold.jsonl") -> dict[str, tuple[str, ...]]:
    rows = [json.loads(line) for line in (folder / file).read_text("utf-8").splitlines()]
    return {row["sentence_id"]: tuple(row["labels"]) for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_tasks_of_every_format_come_back_as_gold_labels_to_train_on(folder, command, format):
    file = folder / f"ann{ENDINGS[format]}"
    out = command(folder, "label", *SHARED, f"tasks={file.name}", f"format={format}")
    assert out.returncode == 0, out.stderr
    assert "how to  " in out.stdout
    beside = sorted(path for path in folder.iterdir() if path.name.startswith("ann") and path != file)
    assert [line.split()[1] for line in out.stdout.splitlines() if line.startswith("beside")] == [
        path.name for path in beside
    ]
    for path in beside:  # a second file of tasks would need one of the same name
        before, other = path.read_bytes(), f"tasks={file.with_suffix('.tasks').name}"
        again = command(folder, "label", *SHARED, other, f"format={format}")
        assert again.returncode == 1
        assert f"{path.name}, which belongs beside ann.tasks, is there already; give another file" in again.stderr
        assert path.read_bytes() == before

    early = command(folder, "label", *SHARED, f"annotations={file.name}", "output=gold.jsonl")
    assert early.returncode == 1
    assert "open    24 tasks that nobody answered: " in early.stdout
    assert early.stderr.count("\n") == 1

    annotate(file, format, answers_of(folder))
    back = command(folder, "label", *SHARED, f"annotations={file.name}", f"format={format}", "output=gold.jsonl")
    assert back.returncode == 0, back.stderr
    assert gold_of(folder) == answers_of(folder)
    trained = command(folder, "train", *SHARED, "labels.gold=gold.jsonl", *SMALL)
    assert trained.returncode == 0, trained.stderr


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory, command):
    """A folder with a model of labels by rules, which `review` asks."""
    folder = make_folder(tmp_path_factory.mktemp("reviewed"))
    trained = command(folder, "train", *SHARED, *SMALL, "hydra.run.dir=run")
    assert trained.returncode == 0, trained.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_queue_in_every_format_comes_back_as_gold_labels(reviewed, command, format):
    file = reviewed / format / f"ann{ENDINGS[format]}"
    names = {name: f"{format}/{name}.jsonl" for name in ("gold", "history")}
    place = f"{format}/{file.name}"
    out = command(
        reviewed,
        "review",
        *SHARED,
        "model_uri=run/model",
        "size=5",
        f"format={format}",
        f"output={place}",
        "diversity=0",
    )
    assert out.returncode == 0, out.stderr
    annotate(file, format, answers_of(reviewed))
    options = [f"annotations={place}", f"output={names['gold']}", f"history={names['history']}"]
    back = command(reviewed, "label", *SHARED, *options)
    assert back.returncode == 0, back.stderr
    gold, answers = gold_of(reviewed, names["gold"]), answers_of(reviewed)
    assert gold == {key: answers[key] for key in gold}
    assert len(gold) == 5


MARKS = ["1", "x", "X", "yes", "TRUE"]  # what people put below a topic


@pytest.mark.parametrize(
    ("delimiter", "encoding", "line_end"),
    [(";", "cp1252", "\r\n"), (";", "utf-8-sig", "\r\n"), (",", "utf-8", "\n"), ("\t", "utf-16", "\r\n")],
)
def test_a_sheet_comes_back_however_a_spreadsheet_saved_it(folder, command, delimiter, encoding, line_end):
    command(folder, "label", *SHARED, "tasks=t.csv")
    with (folder / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    answers = answers_of(folder)
    for place, row in enumerate(rows[1:]):
        row |= dict.fromkeys(answers[row["sentence_id"]], MARKS[place % len(MARKS)])
    with (folder / "t.csv").open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], delimiter=delimiter, lineterminator=line_end)
        writer.writeheader()
        writer.writerows(rows)

    back = command(folder, "label", *SHARED, "annotations=t.csv", "output=gold.jsonl")
    assert back.returncode == 0, back.stderr
    assert "read    23 annotations, 0 rows rejected, 0 of sentences changed or gone" in back.stdout
    assert "open    1 tasks that nobody answered: t.csv:2" in back.stdout
    assert gold_of(folder) == {row["sentence_id"]: answers[row["sentence_id"]] for row in rows[1:]}


def test_labels_that_the_gold_file_holds_already_stay_in_it(folder, command):
    command(folder, "label", *SHARED, "tasks=t.csv", "size=3")
    tasks = (folder / "t.csv").read_bytes()
    answers = answers_of(folder)
    annotate(folder / "t.csv", "csv", answers)
    others = {"sentence_id": "elsewhere", "text": "By hand.", "labels": ["law & order"]}
    (folder / "gold.jsonl").write_text(json.dumps(others) + "\n")
    back = command(folder, "label", *SHARED, "annotations=t.csv", "output=gold.jsonl")
    assert "gold    3 sentences, and 1 that the file held already, of which the history says nothing" in back.stdout
    assert gold_of(folder)["elsewhere"] == ("law & order",)

    again = command(folder, "label", *SHARED, "annotations=t.csv", "output=gold.jsonl")
    assert "history 0 new of 3" in again.stdout
    assert len(gold_of(folder)) == 4
    assert b"Put an x below each topic" in tasks


def test_a_second_file_of_tasks_leaves_out_what_people_labelled(folder, command):
    command(folder, "label", *SHARED, "tasks=t.csv", "size=3")
    annotate(folder / "t.csv", "csv", answers_of(folder))
    command(folder, "label", *SHARED, "annotations=t.csv", "output=gold.jsonl")
    more = command(folder, "label", *SHARED, "labels.gold=gold.jsonl", "tasks=more.csv", "size=100")
    found = "tasks   21 of 21 sentences without a label by people, drawn at random (seed 0); left out: 3 that people"
    assert found in more.stdout
    assert "note" not in more.stdout


def test_next_lines_name_the_gold_labels_that_are_there_and_work_when_pasted(folder, command):
    command(folder, "label", *SHARED, "tasks=tasks.csv", "size=6")
    annotate(folder / "tasks.csv", "csv", answers_of(folder))
    back = command(folder, "label", *SHARED, "annotations=tasks.csv")
    again = pasted(back.stdout, "tasks=")
    assert again[-3:] == ["tasks=tasks-2.csv", "size=150", "labels.gold=labels.jsonl"]
    second = command(folder, *again)
    assert "tasks   18 of 18 sentences" in second.stdout
    assert pasted(second.stdout, "annotations=")[-1] == "labels.gold=labels.jsonl"
    forgotten = command(folder, "label", *SHARED, "tasks=all.csv", "size=150")
    assert "note    labels.jsonl has labels by people already; labels.gold=labels.jsonl leaves" in forgotten.stdout
    rules = command(folder, "label", *SHARED, "tracking=off")
    assert pasted(rules.stdout, "train")[-1] == "labels.gold=labels.jsonl"
    assert "overlaps where another rule of its topic votes too" in rules.stdout


def pasted(output: str, word: str) -> list[str]:
    """Return the arguments of the first `next` line that holds a word."""
    lines = [line for line in output.splitlines() if line.startswith("next ") and word in line]
    return shlex.split(lines[0])[2:]


MISTAKES = {
    "output=t.csv": "output: t.csv is the file of annotations=t.csv; give another file",
    "output=gold.csv": "output: gold.csv; gold labels are written as JSON lines; allowed endings: .jsonl, .ndjson",
    "output=news.jsonl": "output: news.jsonl is there already and holds no gold labels by sentence_id",
    "history=t.csv": "history: t.csv is the file of annotations=t.csv; give another file",
    "history=gold.jsonl": "history: gold.jsonl is the file of output=gold.jsonl; give another file",
    "format=word": "format: 'word'; allowed: label_studio, doccano",
    "resolve=adjudicated": "resolve=adjudicated: no adjudicator",
    "format=prodigy": "no annotations as prodigy has them",
}


@pytest.mark.slow
@pytest.mark.parametrize("option", MISTAKES)
def test_nothing_is_written_over_what_it_does_not_replace(folder, command, option):
    command(folder, "label", *SHARED, "tasks=t.csv", "size=3")
    annotate(folder / "t.csv", "csv", answers_of(folder))
    before = {file: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    options = {"output": "gold.jsonl", **dict([option.split("=")])}
    done = command(folder, "label", *SHARED, "annotations=t.csv", *(f"{key}={value}" for key, value in options.items()))
    assert done.returncode == 1
    assert MISTAKES[option] in done.stderr
    assert done.stderr.count("\n") == 1
    assert {file: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before


def test_several_annotators_who_disagree_are_merged_and_the_same_file_twice_counts_once(folder, command):
    command(folder, "label", *SHARED, "tasks=t.csv", "size=4")
    answers, tasks = answers_of(folder), (folder / "t.csv").read_bytes()
    for name in ("ann", "bob"):
        (folder / f"{name}.csv").write_bytes(tasks)
        annotate(folder / f"{name}.csv", "csv", answers if name == "ann" else dict.fromkeys(answers, ()), name)
    options = ("label", *SHARED, "annotations=[ann.csv,bob.csv,ann.csv]", "output=gold.jsonl")
    open_yet = command(folder, *options, "adjudicator=zoe")
    advice = "open    4 sentences that were answered and get no gold label; adjudicator=NAME lets one annotator decide"
    assert advice in open_yet.stdout
    assert open_yet.stdout.count(": no majority on ") == 4
    assert "history 8 new of 8" in open_yet.stdout
    assert "adjudicator=zoe labelled none of these sentences" in open_yet.stdout
    assert "nan" not in open_yet.stdout
    assert gold_of(folder) == {}
    command(folder, *options, "adjudicator=ann", "resolve=adjudicated")
    assert gold_of(folder) == {key: answers[key] for key in gold_of(folder)}
    assert len(gold_of(folder)) == 4


def test_a_mark_below_a_topic_that_there_is_not_is_not_passed_over(folder, command):
    command(folder, "label", *SHARED, "tasks=t.csv", "size=2")
    text = (folder / "t.csv").read_text("utf-8-sig")
    header, *rows = text.splitlines()
    (folder / "t.csv").write_text("\n".join([f"{header},sport", *(f"{row},x" for row in rows)]) + "\n")
    back = command(folder, "label", *SHARED, "annotations=t.csv", "output=gold.jsonl")
    assert back.returncode == 1
    assert "t.csv:2: column 'sport' is marked and is not a topic; allowed: law & order, cup, final" in back.stdout
