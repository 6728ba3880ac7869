"""Articles labelled in memory get what `slugline predict` gives them from files."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from slugline.data.articles import read_articles
from slugline.data.schema import ABOUT_COLUMNS, SENTENCE_COLUMNS, Article
from slugline.errors import InputError
from slugline.model import load_model
from slugline.prediction import PredictOptions, predict_articles, predict_files

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "models" / "v1" / "model"
MODEL = load_model(FOLDER)
SAMPLE = ROOT / "data" / "sample" / "articles.jsonl"

ROWS: list[dict[str, object]] = [
    {"article_id": "a", "text": "The cease&shy;fire held.\r\nTalks “went on”, the U.N. said. Sanctions stay."},
    {"article_id": 7, "text": "Talks began.", "published": "2024-05-01"},
    {"article_id": 8.0, "text": "15 comments", "language": "en"},
]


def predict_file(source: Path, output: Path, *, split_sentences: bool = True) -> pd.DataFrame:
    """Return what prediction from a file writes, as a frame like that of `predict_articles`."""
    options = PredictOptions(input=str(source), output=str(output), split_sentences=split_sentences, n_jobs=1)
    predict_files(FOLDER, options)
    table = pd.DataFrame(parquet.read_table(output).to_pylist())
    about = {name: table[name].astype(object).where(table[name].notna(), None) for name in ABOUT_COLUMNS}
    return table.assign(topics=table["topics"].map(tuple), **about)


def assert_same(table: pd.DataFrame, from_file: pd.DataFrame) -> None:
    """Compare probabilities to 1e-12, all else exactly."""
    pd.testing.assert_frame_equal(table, from_file, rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("split_sentences", [True, False])
def test_articles_of_a_file_get_the_same_in_memory(tmp_path: Path, split_sentences: bool) -> None:
    from_file = predict_file(SAMPLE, tmp_path / "topics.parquet", split_sentences=split_sentences)
    frame = pd.read_json(SAMPLE, lines=True, dtype=False)
    articles = [item for _, item in read_articles(str(SAMPLE)) if isinstance(item, Article)]
    for same_articles in (frame, frame.to_dict(orient="records"), articles):
        assert_same(predict_articles(MODEL, same_articles, split_sentences=split_sentences), from_file)


def test_texts_are_cleaned_and_ids_written_as_from_files(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS)
    frame.to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    from_file = predict_file(tmp_path / "in.jsonl", tmp_path / "topics.parquet")
    assert list(from_file["article_id"].unique()) == ["a", "7", "8"]
    for articles in (ROWS, frame, frame.convert_dtypes()):
        assert_same(predict_articles(MODEL, articles), from_file)


def test_a_sentence_has_its_columns_topics_and_a_probability_for_each_topic() -> None:
    table = predict_articles(MODEL, ["The ceasefire held. Talks began.\n15 comments", "New sanctions came."])
    assert tuple(table) == (*SENTENCE_COLUMNS, *ABOUT_COLUMNS, "topics", *MODEL.topics)
    assert list(table["article_id"]) == ["0", "0", "0", "1"]  # their numbers
    probabilities = MODEL.predict_proba(list(table["text"]))
    np.testing.assert_allclose(table[list(MODEL.topics)], probabilities, rtol=0, atol=1e-12)
    expected = MODEL.to_topics(MODEL.decide(probabilities))
    assert list(table["debris"]) == [False, False, True, False]
    assert list(table["topics"]) == [*expected[:2], (), expected[3]]


def test_what_is_known_about_the_article_goes_along_in_a_fixed_order(tmp_path: Path) -> None:
    about = {"title": "Talks", "source": "Wire", "url": "https://x/1", "published": pd.Timestamp("2023-12-01")}
    frame = pd.DataFrame(
        [{"article_id": "a", "text": "Talks began."} | about, {"article_id": "b", "text": "It rained."}]
    )
    frame.to_parquet(tmp_path / "in.parquet")
    expected = [("2023-12-01T00:00:00", "Wire", "Talks", "https://x/1"), (None,) * 4]
    names = [*SENTENCE_COLUMNS, "published", "source", "title", "url", "topics", *MODEL.topics]
    in_memory = predict_articles(MODEL, frame)
    assert list(in_memory) == names
    assert list(in_memory[list(ABOUT_COLUMNS)].itertuples(index=False, name=None)) == expected
    for ending in ("jsonl", "csv", "parquet"):
        output = tmp_path / f"topics.{ending}"
        predict_files(FOLDER, PredictOptions(input=str(tmp_path / "in.parquet"), output=str(output), n_jobs=1))
        if ending == "jsonl":
            rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        elif ending == "csv":
            rows = [
                {name: cell or None for name, cell in row.items()}
                for row in csv.DictReader(output.read_text(encoding="utf-8").splitlines())
            ]
        else:
            rows = parquet.read_table(output).to_pylist()
        assert all(list(row) == names for row in rows)
        assert [tuple(row[name] for name in ABOUT_COLUMNS) for row in rows] == expected


@pytest.mark.parametrize("topic", ABOUT_COLUMNS)
def test_a_topic_named_like_a_column_of_articles_is_refused(topic: str) -> None:
    with pytest.raises(InputError, match=f"the model has a topic '{topic}', and predictions a column of that name"):
        predict_articles(replace(MODEL, topics=(topic, *MODEL.topics[1:])), ["Talks began."])


def test_no_articles_give_no_rows() -> None:
    for none in ([], pd.DataFrame({"text": []})):
        table = predict_articles(MODEL, none)
        assert (len(table), tuple(table)) == (0, (*SENTENCE_COLUMNS, *ABOUT_COLUMNS, "topics", *MODEL.topics))


@pytest.mark.parametrize(
    ("articles", "message"),
    [
        (["One.", " "], "article 1: empty text"),
        ([{"title": "x"}], "article 0: no column 'text' for the text; found: title"),
        (pd.DataFrame({"text": ["One.", None]}), "article 1: column 'text' is NoneType, not text"),
        ([3], "article 0: column 'text' is int, not text"),
    ],
)
def test_an_article_without_a_text_is_an_error(articles: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        predict_articles(MODEL, articles)


def test_one_string_is_refused_as_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match="articles is one string; give a list of texts"):
        predict_articles(MODEL, "Talks began.")


def test_a_topic_named_like_a_column_is_refused() -> None:
    with pytest.raises(InputError, match="the model has a topic 'text'"):
        predict_articles(replace(MODEL, topics=("text", *MODEL.topics[1:])), ["Talks began."])
