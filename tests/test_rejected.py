"""What cannot be read: counted, named, listed with its cells, mended and fed again; or an error at once."""

import json

import pytest
from test_predict import model as model

from slugline.data import ArticleCorpus, SentenceCorpus
from slugline.errors import InputError

GOOD = [{"article_id": f"a{number}", "text": f"Talks {number} went on. Rain fell."} for number in range(4)]
REPEATED = {"article_id": "a0", "text": "Talks were held twice.", "title": "Twice"}
EMPTY = {"text": " ", "title": "Nothing", "tags": ["x"]}


@pytest.fixture
def articles(tmp_path, monkeypatch):
    """A file of four articles, a repeated id, an empty text and a line that is not JSON."""
    monkeypatch.chdir(tmp_path)
    lines = [*map(json.dumps, [*GOOD, REPEATED, EMPTY]), "{"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    return "a.jsonl"


def mend(file, to):
    """Write what was rejected to another file, as a person mends it: another id, and a text; return how many."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    mended = [
        row | {"article_id": f"{row['article_id']}-2", "text": row["text"].strip() or "Found again."}
        for row in rows
        if "text" in row
    ]
    to.write_text("".join(json.dumps(row) + "\n" for row in mended), "utf-8")
    return [row["article_id"] for row in mended]


def test_what_is_rejected_is_counted_named_and_keeps_its_cells(articles):
    corpus = ArticleCorpus(articles)()
    assert len(corpus.articles) + len(corpus.rejected) == 7
    assert [item.where for item in corpus.rejected] == ["a.jsonl:5", "a.jsonl:6", "a.jsonl:7"]
    assert corpus.rejected[0].row["title"] == "Twice"
    assert corpus.rejected[1].row == {"text": " ", "title": "Nothing", "tags": '["x"]'}
    assert corpus.rejected[2].row is None
    assert "rejected 3, the first a.jsonl:5: repeats the article_id 'a0' of a.jsonl:1" in corpus.all_notes()[-1]


def test_on_error_stop_is_an_error_at_the_first(articles):
    with pytest.raises(InputError, match=r"a\.jsonl:5: .*; data\.on_error=reject goes on without it"):
        ArticleCorpus(articles, on_error="stop")()
    with pytest.raises(InputError, match=r"data\.on_error=ignore; allowed: reject, stop"):
        ArticleCorpus(articles, on_error="ignore")()


def test_sentences_are_rejected_and_stopped_at_alike(tmp_path):
    file = tmp_path / "s.csv"
    file.write_text("text,labels,when\nRain.,x,1\n ,y,2\nWind.,y,3\n")
    corpus = SentenceCorpus(str(file))()
    assert [(item.where, item.row["when"]) for item in corpus.rejected] == [("s.csv:3", "2")]
    with pytest.raises(InputError, match=r"s\.csv:3: empty text; data\.on_error=reject"):
        SentenceCorpus(str(file), on_error="stop")()


@pytest.mark.slow
def test_what_predict_rejects_can_be_mended_and_fed_again(articles, tmp_path, command, model):
    line = ["predict", f"model_uri={model}", f"input={articles}", "output=topics.jsonl", "n_jobs=1"]
    done = command(tmp_path, *line)
    assert done.returncode == 0, done.stderr
    assert "read 7 = 4 labelled + 3 rejected" in done.stderr
    names = mend(tmp_path / "topics.jsonl.rejected.jsonl", tmp_path / "again.jsonl")
    assert names == ["a0-2", "a.jsonl:6-2"]
    again = command(tmp_path, *line[:2], "input=again.jsonl", "output=more.jsonl", "n_jobs=1")
    assert "read 2 = 2 labelled + 0 rejected" in again.stderr
    stopped = command(tmp_path, *line[:-2], "output=other.jsonl", "n_jobs=1", "on_error=stop")
    assert (stopped.returncode, stopped.stderr.count("\n")) == (1, 1)
    assert "a.jsonl:5: repeats the article_id 'a0' of a.jsonl:1; on_error=reject" in stopped.stderr
    assert not (tmp_path / "other.jsonl").exists()


def test_training_and_prediction_reject_the_same_rows(tmp_path, command, model):
    texts = ["The truce held.", "&nbsp;", "Talks went on.", "", "Rain fell.", "Twice.", None]
    rows = [{"article_id": one, "text": text} for one, text in zip("abbccaa", texts, strict=True)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    expected = [
        ("a.jsonl:2", "empty text"),
        ("a.jsonl:3", "repeats the article_id 'b' of a.jsonl:2"),
        ("a.jsonl:4", "empty text"),
        ("a.jsonl:6", "repeats the article_id 'a' of a.jsonl:1"),
        ("a.jsonl:7", "column 'text' is NoneType, not text"),
    ]
    trained = ArticleCorpus(str(tmp_path / "a.jsonl"))()
    assert [(item.where, item.reason) for item in trained.rejected] == expected
    chunked = [
        one for chunk in ArticleCorpus(str(tmp_path / "a.jsonl"), chunk_rows=1).chunks() for one in chunk.rejected
    ]
    assert [(item.where, item.reason) for item in chunked] == expected
    done = command(tmp_path, "predict", f"model_uri={model}", "input=a.jsonl", "output=topics.jsonl", "n_jobs=1")
    assert "read 7 = 2 labelled + 5 rejected" in done.stderr
    lines = (tmp_path / "topics.jsonl.rejected.jsonl").read_text("utf-8").splitlines()
    assert [(row["where"], row["reason"]) for row in map(json.loads, lines)] == expected


def test_a_training_lists_what_it_rejected_in_its_run(tmp_path, command):
    rows = [
        {"article_id": f"a{number}", "text": f"Story {number}.", "labels": ["war"] if number % 2 else []}
        for number in range(40)
    ]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, EMPTY]))
    done = command(
        tmp_path, "train", "data=sentences", "data.path=s.jsonl", "tracking=off", "plots=false", "features=word"
    )
    assert done.returncode == 0, done.stderr
    assert "rejected 1, the first s.jsonl:41: empty text" in done.stdout
    (listed,) = tmp_path.glob("experiments/runs/*/*/tables/rejected.jsonl")
    (record,) = map(json.loads, listed.read_text().splitlines())
    assert record == {"where": "s.jsonl:41", "reason": "empty text", "article_id": "s.jsonl:41"} | EMPTY | {
        "tags": '["x"]'
    }


def test_a_row_keeps_its_cells_whatever_it_is_rejected_for_in_training_and_prediction(tmp_path, command, model):
    rows = [
        {"article_id": "a1", "wording": "Talks went on.", "note": "here"},
        {"article_id": "a2", "text": "", "note": "there"},
        {"article_id": ["a", 3], "text": "Rain fell.", "note": "rain"},
        {"article_id": "a4", "text": 5, "note": "five"},
    ]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows, GOOD[0]]))
    trained = [item.to_record() for item in ArticleCorpus(str(file))().rejected]
    done = command(tmp_path, "predict", f"model_uri={model}", "input=a.jsonl", "output=topics.jsonl", "n_jobs=1")
    assert "read 5 = 1 labelled + 4 rejected" in done.stderr
    predicted = [json.loads(line) for line in (tmp_path / "topics.jsonl.rejected.jsonl").read_text().splitlines()]
    assert predicted == trained
    assert [row["article_id"] for row in predicted] == ["a1", "a2", '["a", 3]', "a4"]
    assert predicted[0]["wording"] == "Talks went on."
