"""`slugline label`: rules on real articles, the guide, and tasks that come back as gold labels."""

import json
from pathlib import Path

import pandas as pd
import pytest
from annotating import ENDINGS, annotate
from mlflow import MlflowClient
from omegaconf import OmegaConf

from slugline.annotate import FORMATS, write_tasks
from slugline.data.corpus import ArticleCorpus

CONF = Path(__file__).parents[1] / "conf"
ARTICLES = [
    ("a", "The army declared a truce on Monday. Rain fell on the hills all night."),
    ("b", "The union is on strike over pay. Ministers will hold talks with its leaders."),
    ("c", "Two films opened on Friday. The jury praised both of them at length."),
]


@pytest.fixture
def folder(tmp_path):
    with (tmp_path / "news.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"article_id": key, "text": text}) + "\n" for key, text in ARTICLES)
    return tmp_path


DATA = ("label", "data=articles", "data.path=news.jsonl", "labels=plover")


def test_the_guide_has_all_that_the_taxonomy_says_of_each_topic(folder, command):
    done = command(folder, "label", "codebook=guide.md")
    assert done.returncode == 0, done.stderr
    text = (folder / "guide.md").read_text()
    assert text.startswith("# Codebook\n\nA sentence carries a topic when it tells of such an act")
    assert text.count("\n## ") == 15
    assert "- The two airlines called a truce in their price war." in text
    assert "PLOVER: CONCEDE (ceasefire); CAMEO: 0871" in text


@pytest.mark.slow
def test_rules_are_counted_judged_on_gold_and_logged(folder, command):
    done = command(folder, "label")
    assert done.returncode == 0, done.stderr
    store = MlflowClient(f"sqlite:///{folder}/store.db")
    (run,) = store.search_runs([store.get_experiment_by_name("slugline").experiment_id])
    rules = pd.read_csv(store.download_artifacts(run.info.run_id, "tables/rules.csv", str(folder)))
    labels = pd.read_csv(store.download_artifacts(run.info.run_id, "tables/labels.csv", str(folder)))
    assert set(rules["topic"]) >= {"ceasefire", "assault"}
    assert len(labels) == int(done.stdout.split()[1])
    row = rules[rules["rule"] == "ceasefire"].iloc[0]
    written = json.loads(Path(store.download_artifacts(run.info.run_id, "metrics.json", str(folder))).read_text())
    assert written["rules/coverage/ceasefire"] == pytest.approx(row["coverage"])
    assert len(run.data.metrics) < 40 < len(written)
    assert row["coverage"] == pytest.approx(row["votes"] / len(labels))
    assert 0.3 < run.data.metrics["gold/f1_macro"] < 0.9


@pytest.mark.slow
def test_tasks_go_out_and_the_labels_of_several_people_come_back_as_gold_to_train_on(folder, command):
    done = command(folder, *DATA, "tasks=tasks.csv", "order=first")
    assert done.returncode == 0, done.stderr
    assert "tasks   6 of 6 sentences without a label by people, the first: tasks.csv" in done.stdout
    tasks = pd.read_csv(folder / "tasks.csv", dtype=str, keep_default_na=False)
    labels_by_person = {
        "ann": ["ceasefire", "", "protest", "consultation", "", "support"],
        "bob": ["ceasefire", "", "protest", "", "", ""],
    }
    for person, labels in labels_by_person.items():
        filled = tasks.assign(status="done", annotator=person)
        for row, topic in enumerate(labels):
            if topic:
                filled.loc[row, topic] = "1"
        filled.to_csv(folder / f"{person}.csv", index=False)
    options = (*DATA, "annotations=[ann.csv,bob.csv]", "format=csv", "output=gold.jsonl")
    back = command(folder, *options)
    assert back.returncode == 0, back.stderr
    assert "read    12 annotations, 0 rows rejected, 0 of sentences changed or gone" in back.stdout
    assert "history 12 new of 12: annotations.jsonl" in back.stdout
    assert "\nopen    2 sentences that were answered and get no gold label" in back.stdout
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text().splitlines()]
    assert [row["labels"] for row in gold] == [["ceasefire"], [], ["protest"], []]
    again = command(folder, *options, "adjudicator=ann")
    assert "history 0 new of 12" in again.stdout
    assert "\nopen" not in again.stdout
    assert len((folder / "gold.jsonl").read_text().splitlines()) == 6
    trained = command(
        folder,
        "label",
        "data=articles",
        "data.path=news.jsonl",
        "labels=plover",
        "labels.gold=gold.jsonl",
        "tasks=more.csv",
        "format=csv",
    )
    assert trained.stderr.startswith("slugline: no sentence without a label by people")


def test_the_former_name_of_resolve_is_answered_by_the_line_that_works(folder, command):
    done = command(folder, *DATA, "annotations=done.csv", "merge=majority")
    line = "slugline label data=articles data.path=news.jsonl labels=plover annotations=done.csv resolve=majority"
    assert done.returncode == 1
    assert done.stderr.strip().endswith(f"now said by `resolve`: {line}")


def test_labels_whose_sentence_changed_are_listed_and_bad_rows_named(folder, command):
    command(folder, *DATA, "tasks=tasks.jsonl", "format=doccano", "order=first")
    rows = [json.loads(line) for line in (folder / "tasks.jsonl").read_text().splitlines()]
    for row in rows:
        row["label"] = ["protest"]
    rows[0]["label"] = ["sport"]
    (folder / "done.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    changed = (folder / "news.jsonl").read_text().replace("Two films", "Three films")
    (folder / "news.jsonl").write_text(changed)
    back = command(folder, *DATA, "annotations=done.jsonl", "format=doccano")
    assert back.returncode == 0, back.stderr
    assert "read    5 annotations, 1 rows rejected, 2 of sentences changed or gone" in back.stdout
    assert "done.jsonl:1: " in back.stdout
    assert "sport" in back.stdout


@pytest.mark.slow
@pytest.mark.parametrize("source", ["files", "folder"])
def test_annotations_of_all_formats_are_read_at_once_whatever_their_endings(folder, command, source):
    sentences = ArticleCorpus(str(folder / "news.jsonl"))().sentences()
    topics = dict.fromkeys(OmegaConf.load(CONF / "labels" / "plover.yaml")["topics"], "")
    files = [folder / "done" / f"{name}{ENDINGS[name]}" for name in FORMATS]
    for file, name in zip(files, FORMATS, strict=True):
        write_tasks(file, name, sentences, topics)
        annotate(file, name, dict.fromkeys(sentences["sentence_id"], ("protest",)), name)
    paths = "done" if source == "folder" else f"[{','.join(f'done/{file.name}' for file in files)}]"

    back = command(folder, *DATA, f"annotations={paths}", "output=gold.jsonl")
    assert back.returncode == 0, back.stderr
    assert "read    36 annotations, 0 rows rejected, 0 of sentences changed or gone" in back.stdout
    assert f"people  {', '.join(sorted(FORMATS))}; Krippendorff's alpha per topic:" in back.stdout
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text().splitlines()]
    assert [(row["labels"], len(row["annotators"])) for row in gold] == [(["protest"], 6)] * 6


def test_where_no_row_can_be_used_each_is_listed_and_nothing_is_written(folder, command):
    (folder / "done.csv").write_text("sentence_id,labels\ns0,sport\ns9,protest\n")
    back = command(folder, *DATA, "annotations=done.csv", "output=gold.jsonl")
    assert back.returncode == 1
    assert "read    1 annotations, 1 rows rejected, 1 of sentences changed or gone" in back.stdout
    assert "        done.csv:2: 'sport' is not a topic" in back.stdout
    assert "        done.csv:3: gone: no sentence has its id" in back.stdout
    assert back.stderr.endswith("sentences could be read: see above; gold.jsonl is not written\n")
    assert not (folder / "gold.jsonl").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["codebook=a.md", "tasks=b.csv"],
            "found codebook, tasks; allowed: one of codebook, tasks, annotations, or rename, merge, drop together",
        ),
        (
            ["tasks=b.jsonl"],
            "format: none, and the ending of b.jsonl does not tell; allowed: label_studio, doccano",
        ),
        (["tasks=b.csv", "size=0"], "size=0; allowed: 1 or more"),
        (["tasks=b.csv", "size=-1"], "size=-1; allowed: 1 or more"),
        (["tasks=b.csv", "order=last"], "order: 'last'; allowed: random, source, topic, first"),
        (["tasks=news.jsonl", "format=csv"], "tasks: news.jsonl is there already and may hold labels"),
        (["tasks=b.csv", "format=word"], "format: 'word'; allowed: label_studio"),
        (["annotations=none.csv", "format=csv"], "none.csv"),
        (["annotations=news.jsonl", "format=csv"], "news.jsonl"),
    ],
)
def test_a_mistake_is_one_line(folder, command, options, message):
    done = command(folder, *DATA, *options)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "b.csv").exists()
