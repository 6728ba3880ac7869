"""Files of sentences are understood as people have them: any usual column, any form of labels, in every format."""

import gzip
import json

import pandas as pd
import pytest
import yaml

from slugline.data.ready_sentences import SentenceCorpus
from slugline.errors import InputError

TEXTS = ["The truce held.", "Aid came in trucks.", "Rain fell.", "A truce let aid in."]
TOPICS = [("truce",), ("aid",), (), ("aid", "truce")]
FORMS = {
    "lists": [list(topics) for topics in TOPICS],
    "JSON": [json.dumps(topics) for topics in TOPICS],
    "Python's lists": [str(list(topics)) for topics in TOPICS],
    "Python's tuples": [str(topics) for topics in TOPICS],
    "NumPy's text": ["['truce']", "['aid']", "[]", "['aid' 'truce']"],
    "commas": ["truce", "aid", "", "aid, truce"],
    "semicolons": ["truce", "aid", "None", "aid;truce"],
    "pipes": ["truce", "aid", "NaN", "aid|truce"],
    "cats": [{topic: float(topic in topics) for topic in ("aid", "truce")} for topics in TOPICS],
}
FORMATS = ["csv", "semicolon.csv", "tsv", "jsonl", "parquet", "csv.gz", "tsv.gz", "jsonl.gz", "parquet.gz"]


def write(frame, file):
    """Write a frame in the format that a file's name ends in."""
    name = file.name.removesuffix(".gz")
    if name.endswith("parquet"):
        frame.to_parquet(file, compression=None)
    elif name.endswith("jsonl"):
        file.write_text("".join(f"{json.dumps(row)}\n" for row in frame.to_dict("records")), encoding="utf-8")
    else:
        separator = {"tsv": "\t", "n.csv": ";"}.get(name[-3:] if name.endswith("tsv") else name[-5:], ",")
        frame.to_csv(file, index=False, sep=separator, encoding="utf-8-sig", lineterminator="\r\n", compression=None)
    if file.name.endswith(".gz"):
        file.write_bytes(gzip.compress(file.read_bytes()))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", FORMATS)
def test_every_form_of_labels_reads_alike_from_every_format_whole_and_in_chunks(tmp_path, ending, form):
    file = tmp_path / f"data.{ending}"
    write(pd.DataFrame({"Doc ID": ["a", "b", "c", "d"], "Sentence": TEXTS, "Topic": FORMS[form]}), file)
    corpus = SentenceCorpus(str(file))()
    assert [tuple(sorted(labels)) for labels in corpus.sentences()["labels"]] == TOPICS
    assert corpus.sentences()["article_id"].tolist() == ["a", "b", "c", "d"]
    chunks = list(SentenceCorpus(str(file), chunk_rows=1).chunks())
    assert [row for chunk in chunks for row in chunk.sentences()["labels"]] == corpus.sentences()["labels"].tolist()
    assert "text from 'Sentence', labels from 'Topic', article_id from 'Doc ID'" in corpus.notes[0]


@pytest.mark.parametrize("ending", FORMATS)
def test_numbers_are_labels_and_0_1_columns_are_topics_in_every_format(tmp_path, ending):
    file = tmp_path / f"data.{ending}"
    write(pd.DataFrame({"body": TEXTS, "class": [1, 2, 1, 3]}), file)
    assert SentenceCorpus(str(file))().sentences()["labels"].tolist() == [("1",), ("2",), ("1",), ("3",)]
    write(pd.DataFrame({"id": [0, 1, 0, 1], "content": TEXTS, "aid": [0, 1, 0, 1], "truce": [1, 0, 0, 1]}), file)
    corpus = SentenceCorpus(str(file))()
    assert [tuple(sorted(labels)) for labels in corpus.sentences()["labels"]] == TOPICS
    assert any("topics are the 0/1 columns aid, truce" in note for note in corpus.notes)


def test_the_better_known_column_is_taken_and_a_given_one_wins(tmp_path):
    file = tmp_path / "data.csv"
    write(pd.DataFrame({"body": TEXTS, "text": TEXTS[::-1], "category": "x", "label": "y"}), file)
    corpus = SentenceCorpus(str(file))()
    assert corpus.sentences()["text"].tolist() == TEXTS[::-1]
    assert "text from 'text' (not from 'body'), labels from 'label' (not from 'category')" in corpus.notes[0]
    given = SentenceCorpus(str(file), columns={"text": "body", "labels": "category"})()
    assert given.sentences()["text"].tolist() == TEXTS
    assert given.sentences()["labels"].tolist() == [("x",)] * 4


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"what": TEXTS, "label": "x"}, "for the text; found: what, label; give data.columns.text=COLUMN"),
        ({"text": TEXTS, "what": "x"}, "for the labels; found: text, what; give data.columns.labels=COLUMN"),
    ],
)
def test_a_column_that_is_not_found_is_told_with_those_that_are_there(tmp_path, columns, says):
    write(pd.DataFrame(columns), tmp_path / "data.csv")
    with pytest.raises(InputError) as error:
        SentenceCorpus(str(tmp_path / "data.csv"))()
    assert says in str(error.value)


def test_cells_without_a_topic_are_counted(tmp_path):
    write(pd.DataFrame({"text": TEXTS, "label": ["x", "NULL", "None", "x"]}), tmp_path / "data.csv")
    corpus = SentenceCorpus(str(tmp_path / "data.csv"))()
    assert "2 of 4 cells of 'label' name no topic ('NULL', 'None')" in corpus.notes


@pytest.mark.slow
def test_a_file_of_sentences_trains_with_nothing_else_typed_and_reproduces(command, tmp_path):
    words = {"Law, order": "police court arrest", "Économie": "profit bank tax"}
    rows = [
        (f'"The café {word}\r\nand no. {number}"', topic)
        for number in range(20)
        for topic, several in words.items()
        for word in several.split()
    ]
    lines = ["Sentence;Topic", *(f"{text};{topic}" for text, topic in rows)]
    (tmp_path / "f.csv").write_bytes("\r\n".join(lines).encode("cp1252"))
    options = ("train", "data=sentences", "data.path=f.csv", "plots=false", "features=word")

    ran = command(tmp_path, *options)
    assert ran.returncode == 0, ran.stderr
    assert "note    f.csv: cp1252, ';'" in ran.stdout
    assert "columns: text from 'Sentence', labels from 'Topic'" in ran.stdout
    assert "'Law, order' is taken as one label; several: data.delimiter=comma" in ran.stdout
    assert "each counts as an article of its own" in ran.stdout
    assert "labels.mode=multilabel" in ran.stdout
    config = yaml.safe_load(next(tmp_path.glob("experiments/runs/**/config.yaml")).read_text(encoding="utf-8"))
    assert config["labels"]["mode"] == "multiclass"
    assert config["data"]["columns"]["labels"] == "Topic"
    assert config["data"]["delimiter"] == "none"

    run_id = next(line.split()[1] for line in ran.stdout.splitlines() if line.startswith("run "))
    again = command(tmp_path, "reproduce", f"run_id={run_id}")
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("name", ["train", "label", "review", "promote"])
def test_labels_of_ready_made_sentences_are_given_unless_others_are_chosen(command, tmp_path, name):
    options = (name, "data=sentences", "data.path=f.csv", "data.delimiter=;", "--cfg", "job")
    config = yaml.safe_load(command(tmp_path, *options).stdout)
    assert (config["labels"]["given"], config["labels"]["rules"]) == (True, False)
    assert config["data"]["delimiter"] == ";"
    assert yaml.safe_load(command(tmp_path, *options, "labels=rules").stdout)["labels"]["rules"] is True
