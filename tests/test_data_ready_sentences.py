"""Sentences that come ready made: each has its labels and its place in its article, in whatever format it comes."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from slugline.data.ready_sentences import SentenceCorpus
from slugline.errors import InputError


@pytest.fixture
def write(tmp_path):
    """Write rows as JSON lines and return the file."""

    def to_file(*rows, name="data.jsonl"):
        file = tmp_path / name
        file.write_text(
            "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8"
        )
        return str(file)

    return to_file


def test_ready_made_sentences_are_placed_in_their_articles(write):
    rows = [
        {"article_id": "a", "text": "One. ", "labels": ["x"], "published": "2016-10-06"},
        {"article_id": "b", "text": "Two.", "labels": "x,y"},
        {"article_id": "a", "text": "Three.", "labels": None},
        {"text": "Alone.", "labels": '["y"]'},
    ]
    corpus = SentenceCorpus(write(*rows))()
    sentences = corpus.sentences()
    assert sentences["article_id"].tolist() == ["a", "b", "a", "data.jsonl:4"]
    assert sentences["position"].tolist() == [0, 0, 1, 0]
    assert [labels or None for labels in sentences["labels"]] == [("x",), ("x", "y"), None, ("y",)]
    assert sentences["published"].tolist()[0] == sentences["published"].tolist()[2] == "2016-10-06"
    assert sentences["sentence_id"].is_unique
    text = corpus.articles.set_index("article_id")["text"]
    assert all(text[row.article_id][row.start : row.end] == row.text for row in sentences.itertuples())


def test_ids_of_ready_made_sentences_are_the_same_in_every_run(write):
    file = write({"article_id": 1, "text": "One.", "labels": []}, {"article_id": 1, "text": "One.", "labels": []})
    first, second = (SentenceCorpus(file)().sentences()["sentence_id"].tolist() for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


def test_bad_rows_are_rejected_with_their_place_and_the_others_are_read(write):
    rows = [
        {"text": "One.", "labels": []},
        "{bad",
        {"text": 5, "labels": []},
        {"text": " ", "labels": []},
        {"labels": []},
    ]
    corpus = SentenceCorpus(write(*rows, {"text": "a\0b", "labels": []}))()
    assert len(corpus.sentences()) == 1
    assert [one.where for one in corpus.rejected] == [f"data.jsonl:{line}" for line in range(2, 7)]
    assert [one.reason.split(":")[0] for one in corpus.rejected] == [
        "not JSON",
        "column 'text' is int, not text",
        "empty text",
        "no column 'text' for the text; found",
        "binary, not text (NUL bytes)",
    ]


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl"])
def test_columns_of_marks_become_labels_in_every_format(tmp_path, ending):
    frame = pd.DataFrame(
        {"id": [7, 7, 8], "s": ["One.", "Two.", "Three."], "aid": [1, 0, 1], "war": [True, False, False]}
    )
    file = tmp_path / f"data.{ending}"
    if ending == "parquet":
        frame.to_parquet(file)
    elif ending == "jsonl":
        frame.to_json(file, orient="records", lines=True)
    else:
        frame.to_csv(file, index=False, sep="," if ending == "csv" else "\t")
    corpus = SentenceCorpus(str(file), columns={"text": "s", "article_id": "id"}, topic_columns=["aid", "war"])()
    assert corpus.sentences()["labels"].tolist() == [("aid", "war"), (), ("aid",)]
    assert corpus.sentences()["article_id"].tolist() == ["7", "7", "8"]


def test_article_ids_that_are_blank_in_parquet_do_not_join_sentences_to_one_article(tmp_path):
    frame = pd.DataFrame(
        {"article_id": [1.0, np.nan, np.nan], "text": ["One.", "Two.", "Three."], "labels": ["x", "", "x"]}
    )
    frame.to_parquet(tmp_path / "data.parquet")
    sentences = SentenceCorpus(str(tmp_path / "data.parquet"))().sentences()
    assert sentences["article_id"].tolist() == ["1", "data.parquet:2", "data.parquet:3"]


def test_dates_of_ready_made_sentences_become_iso_8601(tmp_path):
    frame = pd.DataFrame({"text": ["One."], "labels": ["x"], "published": [pd.Timestamp("2016-10-06")]})
    frame.to_parquet(tmp_path / "data.parquet")
    assert SentenceCorpus(str(tmp_path / "data.parquet"))().sentences()["published"].tolist() == ["2016-10-06T00:00:00"]


def test_a_split_that_comes_along_is_kept_under_its_name(write):
    file = write({"text": "One.", "labels": [], "part": "train"}, {"text": "Two.", "labels": []})
    sentences = SentenceCorpus(file, columns={"split": "part"})().sentences()
    assert [part if isinstance(part, str) else None for part in sentences["split"]] == ["train", None]


def test_more_about_the_articles_is_joined_by_their_id(write):
    about = write(
        {"id": 1, "body": "x", "day": "2016-10-06", "source": "Wire"}, {"id": 2, "body": "y"}, name="about.jsonl"
    )
    columns = {"article_id": "id", "text": "body", "published": "day"}
    data = write({"article_id": 1, "text": "One.", "labels": []})
    sentences = SentenceCorpus(data, articles=about, article_columns=columns)().sentences()
    assert sentences[["published", "source"]].to_numpy().tolist() == [["2016-10-06", "Wire"]]


@pytest.mark.parametrize(
    ("row", "options", "says"),
    [
        ({"text": "x"}, {}, "no column has a usual name for the labels; found: text; give data.columns.labels=COLUMN"),
        ({"text": "x"}, {"topic_columns": ["aid"]}, "data.jsonl:1: no column 'aid' of data.topic_columns; found: text"),
        (
            {"text": "x", "aid": "yes"},
            {"topic_columns": ["aid"]},
            "column 'aid' holds 'yes'; allowed: 0, 1, true, false",
        ),
        ({"text": "x", "aid": 2}, {"topic_columns": ["aid"]}, "column 'aid' holds '2'; allowed: 0, 1, true, false"),
        (
            {"text": "x", "aid": None},
            {"topic_columns": ["aid"]},
            "column 'aid' holds 'None'; allowed: 0, 1, true, false",
        ),
        (
            {"text": "x", "labels": "[a"},
            {},
            "data.jsonl:1: labels '[a' cannot be read; allowed: one label, a number, a list",
        ),
        ({"text": "x", "labels": True}, {}, "data.jsonl:1: labels True cannot be read; allowed: one label, a number"),
        ({"text": "x", "labels": []}, {"columns": {"label": "y"}}, "unknown column 'label'; allowed: text, labels"),
        ({"text": "x", "labels": []}, {"articles": "gone.jsonl"}, "data.articles: no such file or folder: gone.jsonl"),
        (
            {"text": "x", "labels": []},
            {"articles": "data.jsonl", "article_columns": {"headline": "x"}},
            "data.article_columns: unknown column 'headline'; allowed: article_id, title",
        ),
    ],
    ids=str,
)
def test_labels_and_columns_that_are_not_there_are_told_with_what_is(write, row, options, says):
    with pytest.raises(InputError) as error:
        SentenceCorpus(write(row), **options)()
    assert says in str(error.value)


def test_articles_that_the_metadata_has_not_are_counted_and_named(write):
    about = write({"article_id": 1, "text": "x"}, name="about.jsonl")
    data = write(*({"article_id": number, "text": "One.", "labels": []} for number in (1, 2, 3)))
    with pytest.raises(InputError, match="2 articles of the sentences are not there, the first: 2"):
        SentenceCorpus(data, articles=about)()


def test_a_frame_of_predictions_reads_back_as_data(tmp_path):
    stream = io.BytesIO()
    pd.DataFrame({"text": ["One.", "Two."], "labels": [["a"], []]}).to_parquet(stream)
    (tmp_path / "data.parquet").write_bytes(stream.getvalue())
    assert SentenceCorpus(str(tmp_path / "data.parquet"))().sentences()["labels"].tolist() == [("a",), ()]
