"""`slugline label rename= merge= drop=`: gold labels, history and taxonomy change together, or not at all."""

import csv
import gzip
import io
import json
import shlex
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

SENTENCES = {
    "a": "Police broke up the riot.",
    "b": "The riot followed a protest.",
    "c": "Rain fell.",
    "d": "A court ruled.",
    "e": "It froze.",
}
LABELS = {"a": ["riot"], "b": ["riot", "protest"], "c": ["weather"], "d": ["law & order", "C++"], "e": []}
TAXONOMY = """\
# Our topics
defaults:
  - rules
topics:
  riot:  # loud
    definition: People fight in the street.
    keywords: [riot*]  # the plural too
  # calm ones
  protest:
    # many march
    definition: People march.
    keywords:
      - march*
      - protest*
  weather: rain
  law & order:
    parent: weather
    keywords: [court*]
  C++: [compiler*]
functions:
  cold:  # of winter
    topic: weather
    any: [froze]
  crowd:
    topic: protest  # for now
    any: [crowd*]
"""
CHANGE = ("rename={C++: code}", "merge=riot+protest:unrest", "drop=weather")


@pytest.fixture
def folder(tmp_path):
    """A project with a taxonomy, gold labels and a history."""
    (tmp_path / "conf" / "labels").mkdir(parents=True)
    (tmp_path / "conf" / "project.yaml").write_text("name: town\nchoices: {labels: topics}\n")
    (tmp_path / "conf" / "labels" / "topics.yaml").write_text(TAXONOMY)
    rows = [{"sentence_id": key, "text": SENTENCES[key], "labels": labels} for key, labels in LABELS.items()]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def run(command, folder, *arguments):
    """Run `slugline label` in a project."""
    return command(folder, "label", *arguments)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what all files hold but locks and the like."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.suffix != ".lock"}


def test_gold_history_and_taxonomy_change_together_and_copies_are_kept(folder, command):
    answers = [{"sentence_id": key, "labels": labels} for key, labels in [("a", ["riot"]), ("c", None), ("e", [])]]
    extra = {"annotator": "ann", "when": None, "text": None, "where": "x:1", "imported": "2024-01-01"}
    (folder / "annotations.jsonl").write_text("".join(json.dumps(answer | extra) + "\n" for answer in answers))
    before = {file.name: file.read_bytes() for file in [*folder.glob("*.jsonl"), *folder.glob("conf/labels/*")]}

    done = run(command, folder, *CHANGE, "labels.gold=gold.jsonl")
    assert done.returncode == 0, done.stderr
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text().splitlines()]
    assert [row["labels"] for row in gold] == [["unrest"], ["unrest"], [], ["law & order", "code"], []]
    history = [json.loads(line) for line in (folder / "annotations.jsonl").read_text().splitlines()]
    assert [row["labels"] for row in history] == [["unrest"], None, []]
    assert [row | {"labels": 0} for row in history] == [answer | extra | {"labels": 0} for answer in answers]

    (changes,) = [json.loads(line) for line in (folder / "codebook-changes/changes.jsonl").read_text().splitlines()]
    assert changes["merge"] == {"unrest": ["riot", "protest"]}
    assert changes["files"] == ["gold.jsonl", "annotations.jsonl", "conf/labels/topics.yaml"]
    assert changes["after"] == {"unrest": 2, "law & order": 1, "code": 1}
    for file in changes["files"]:
        assert (folder / changes["copies"] / file).read_bytes() == before[Path(file).name]

    lines = done.stdout.splitlines()
    assert "gold    gold.jsonl: 4 of 5 sentences changed" in lines
    assert "history 1 of 3 annotations changed" in lines
    assert "        riot 2, protest 1 -> unrest 2" in lines
    assert "        weather 1 -> dropped" in lines
    assert "        C++ 1 -> code 1" in lines
    assert "look    1 sentences again: several labels became one" in lines
    assert "        gold.jsonl:2  riot, protest: The riot followed a protest." in lines
    assert "        gold.jsonl:3  weather: Rain fell." in lines
    assert lines[-1] == "next    slugline train labels.gold=gold.jsonl"
    assert run(command, folder, "labels.gold=gold.jsonl", "codebook=x.md").returncode == 0


def test_the_taxonomy_keeps_its_comments_and_all_that_does_not_change(folder, command):
    assert run(command, folder, *CHANGE).returncode == 0
    text = (folder / "conf" / "labels" / "topics.yaml").read_text()
    assert text == (
        """\
# Our topics
defaults:
  - rules
topics:
  unrest:  # loud
    definition: People fight in the street. / People march.
    keywords: [riot*, march*, protest*]  # the plural too
  # calm ones
  # many march
  law & order:
    keywords: [court*]
  code: [compiler*]
functions:
  crowd:
    topic: unrest  # for now
    any: [crowd*]
"""
    )


def test_an_experiment_that_restricts_the_topics_changes_with_them(folder, command):
    (folder / "conf/experiment").mkdir()
    file = folder / "conf/experiment/two.yaml"
    file.write_text("# @package _global_\nlabels:\n  only: [riot, weather, C++]  # just these\n")
    done = run(command, folder, *CHANGE)
    assert done.returncode == 0, done.stderr
    assert file.read_text() == "# @package _global_\nlabels:\n  only: [unrest, code]  # just these\n"
    assert "conf/experiment/two.yaml" in done.stdout


def to_cell(labels, form):
    """Return labels as a cell: a list, a list in JSON, or text with commas."""
    return {"list": list(labels), "json": json.dumps(labels), "text": ", ".join(labels)}[form]


def write(file: Path, rows: list[dict]) -> None:
    """Write rows in the format of a file's ending."""
    name = file.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    elif name.endswith(".parquet"):
        stream = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows), stream)
        data = stream.getvalue()
    else:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if name.endswith(".tsv") else ",")
        writer.writeheader()
        writer.writerows(rows)
        data = text.getvalue().encode("utf-8-sig")
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)


def read(file: Path) -> list[dict]:
    """Read rows back."""
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    name = file.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in data.splitlines()]
    if name.endswith(".parquet"):
        return pd.read_parquet(io.BytesIO(data)).to_dict("records")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter="\t" if ".tsv" in name else ","))


FORMS = [
    *[(ending, form) for ending in ("jsonl", "parquet") for form in ("list", "json", "text")],
    *[(ending, form) for ending in ("csv", "tsv") for form in ("json", "text")],
    *[("jsonl.gz", "list"), ("csv.gz", "text"), ("tsv.gz", "text"), ("parquet.gz", "list")],
]


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "form"), FORMS)
def test_gold_of_every_format_keeps_its_form_and_its_other_columns(folder, command, ending, form):
    file = folder / f"gold.{ending}"
    rows = [
        {"note": 'said "no",\n then', "labels": to_cell(labels, form), "sentence_id": key, "text": SENTENCES[key]}
        for key, labels in LABELS.items()
    ]
    write(file, rows)
    done = run(command, folder, *CHANGE, f"labels.gold={file.name}")
    assert done.returncode == 0, done.stderr
    expected = [["unrest"], ["unrest"], [], ["law & order", "code"], []]
    cells = [row["labels"] if isinstance(row["labels"], str) else list(row["labels"]) for row in read(file)]
    assert cells == [to_cell(labels, form) for labels in expected]
    others = [[(key, value) for key, value in row.items() if key != "labels"] for row in rows]
    assert [[(key, value) for key, value in row.items() if key != "labels"] for row in read(file)] == others


def test_lines_that_do_not_change_stay_byte_for_byte(folder, command):
    (folder / "gold.jsonl").unlink()
    text = '\ufeffsentence_id,labels,n\r\n"x","riot","1"\r\ny,C++,2\r\n\r\nz,"riot,C++",3'
    (folder / "gold.csv").write_text(text, newline="")
    assert run(command, folder, "rename=riot:mob", "labels.gold=gold.csv").returncode == 0
    assert (folder / "gold.csv").read_bytes().decode() == text.replace("riot", "mob")


def test_a_sheet_keeps_the_separator_that_it_is_read_with(folder, command):
    text = "\ufeffsentence_id;labels;note\r\na;riot, protest;said; twice\r\n".replace("said; twice", '"said; twice"')
    (folder / "gold.csv").write_text(text, newline="", encoding="utf-8")
    done = run(command, folder, "rename=riot:mob", "labels.gold=gold.csv")
    assert done.returncode == 0, done.stderr
    assert (folder / "gold.csv").read_bytes().decode() == text.replace("riot", "mob")


@pytest.mark.slow
@pytest.mark.parametrize("new", ["law & order 2", "a: b", "#x", "*y", "yes", "🔥 fire", 'it\'s "x"', "[z]", "2019"])
def test_a_topic_may_get_any_name(folder, command, new):
    done = run(command, folder, "rename='riot:" + new.replace("'", "\\'") + "'", "labels.gold=gold.jsonl")
    assert done.returncode == 0, done.stderr
    text = (folder / "conf" / "labels" / "topics.yaml").read_text()
    assert next(iter(yaml.safe_load(text)["topics"])) == new
    assert text.count("#") == TAXONOMY.count("#") + new.count("#")
    assert json.loads((folder / "gold.jsonl").read_text().splitlines()[1])["labels"] == [new, "protest"]


def test_odd_names_can_be_renamed_merged_and_dropped(folder, command):
    done = run(command, folder, 'merge="law & order+C++:a,b"', "drop=[riot,weather]", "labels.gold=gold.jsonl")
    assert done.returncode == 0, done.stderr
    labels = [json.loads(line)["labels"] for line in (folder / "gold.jsonl").read_text().splitlines()]
    assert labels == [[], ["protest"], [], ["a,b"], []]
    mapping = run(command, folder, 'rename="{protest: law & order}"', "labels.gold=gold.jsonl")
    assert mapping.returncode == 0, mapping.stderr
    (next_line,) = [line for line in done.stdout.splitlines() if line.startswith("next")]
    assert run(command, folder, "rename='a,b:x'", *shlex.split(next_line)[3:]).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rename=peace:war",), "is not old:new with topics before the colon"),
        (("rename=riot:protest",), "use merge"),
        (("rename=riot:cold",), "functions.cold has the name of the new topic"),
        (("rename='riot:a,b'", "labels.gold=gold.csv"), "gold labels, gold.csv:2: the cell 'riot' has ',' between"),
        (("rename=riot:x", "labels.gold=bad.jsonl"), "bad.jsonl:1"),
        (("rename=riot:x", "codebook=x.md"), "found codebook, rename; allowed"),
        (("drop=[riot,protest,weather,law & order,C++]",), "quotes"),
        (("drop=[riot,protest,weather,'law & order',C++]",), "no topic would be left"),
        (("rename=ceasefire:truce", "labels=plover"), "mkdir -p conf/labels && cp "),
        (("rename=riot:x", "history=bad.jsonl"), "history, bad.jsonl:1"),
        (
            ("rename=riot:x", "labels=given"),
            "no topic to change: neither taxonomy nor gold labels nor annotations.jsonl",
        ),
        (("rename=ceasefire:x", "labels=sample"), "labels.jsonl cannot be rewritten; give a file of your own"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_nothing_changes(folder, command, arguments, says):
    (folder / "gold.csv").write_text("sentence_id,labels\na,riot\n")
    (folder / "bad.jsonl").write_text("no\n")
    before = contents(folder)
    done = run(command, folder, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert contents(folder) == before


@pytest.mark.slow
def test_a_copy_of_a_shipped_taxonomy_can_be_changed_as_the_message_says(folder, command, monkeypatch):
    refused = run(command, folder, "rename=ceasefire:truce", "labels=plover")
    words = shlex.split(refused.stderr)
    source, target = words[words.index("cp") + 1 :][:2]
    (folder / target).write_bytes(Path(source).read_bytes())
    done = run(command, folder, "rename=ceasefire:truce", *words[-2:])
    assert done.returncode == 0, done.stderr
    before, after = Path(source).read_text(), (folder / target).read_text()
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed[0] == ("  ceasefire:", "  truce:")
    assert {(old.strip(), new.strip()) for old, new in changed[1:]} == {("topic: ceasefire", "topic: truce")}


def test_the_file_that_annotations_are_collected_in_changes_too(folder, command):
    (folder / "gold.jsonl").rename(folder / "labels.jsonl")
    done = run(command, folder, "rename=riot:mob")
    assert done.returncode == 0, done.stderr
    assert '"mob"' in (folder / "labels.jsonl").read_text()
    assert done.stdout.splitlines()[-1] == "next    slugline train labels.gold=labels.jsonl"


def test_labels_that_the_data_brings_are_said_not_to_change(folder, command):
    (folder / "data.csv").write_text("text,labels\nA riot.,riot\n")
    done = run(command, folder, "rename=riot:mob", "data=sentences", "data.path=data.csv", "labels=topics")
    assert done.returncode == 0, done.stderr
    assert "given   labels that come with data.csv are not changed; change them in there" in done.stdout


def test_in_multiclass_a_sentence_whose_topic_is_dropped_leaves_the_gold_labels(folder, command):
    (folder / "gold.csv").write_text("sentence_id,labels\na,riot\nb,weather\nc,protest\n")
    done = run(command, folder, "drop=weather", "labels.gold=gold.csv", "labels.mode=multiclass")
    assert done.returncode == 0, done.stderr
    assert (folder / "gold.csv").read_text() == "sentence_id,labels\na,riot\nc,protest\n"
    assert "1 taken out: their only topic is dropped" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("change", ["rename=riot:mob", "merge=riot+protest:unrest"])
def test_runs_of_before_and_after_are_compared_under_the_topics_of_today(tmp_path, command, change):
    (tmp_path / "conf" / "labels").mkdir(parents=True)
    (tmp_path / "conf" / "labels" / "topics.yaml").write_text(
        "defaults: [rules]\ntopics:\n  riot: [riot]\n  protest: [march]\n  flood: [flood]\n"
    )
    (tmp_path / "conf" / "project.yaml").write_text("name: town\nchoices: {labels: topics}\n")
    words = ["riot", "march", "flood", "budget"]
    texts = [f"The {word} of day {n} went on." for n in range(60) for word in words[n % 4 :] + words[: n % 3]]
    rows = [{"article_id": str(n), "text": text} for n, text in enumerate(texts)]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    train = ("train", "data=articles", "data.path=news.jsonl", "plots=false", "features=word", "folds=2")
    train += ("split.duplicates=off",)  # the texts are alike on purpose
    runs, steps = [], [train, ("label", change, *train[1:3])]
    for step in steps:
        done = command(tmp_path, *step)
        assert done.returncode == 0, done.stderr
        runs += [line.split()[1] for line in done.stdout.splitlines() if line.startswith("run ")]
        if step is steps[1]:
            (next_line,) = [line for line in done.stdout.splitlines() if line.startswith("next")]
            steps.append((*shlex.split(next_line)[2:], *train[3:]))  # as pasted, and quicker
    assert f"split.keep={runs[0]}" in steps[-1]
    first, second = (pd.read_csv(file) for file in sorted(tmp_path.rglob("runs/**/tables/split.csv")))
    assert first.equals(second)
    compared = command(tmp_path, "compare", f"runs=[{runs[0]},{runs[1]}]")
    assert compared.returncode == 0, compared.stderr
    assert f"f1/{change.partition(':')[2]}" in compared.stdout
    assert "f1/riot" not in compared.stdout
