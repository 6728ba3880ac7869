"""The page of a run needs nothing but itself, lets no text of an article act, and shows mistakes that are mistakes."""

import json
from html.parser import HTMLParser

import pandas as pd
import pytest

WORDS = {
    "truce": ["truce", "ceasefire", "armistice"],
    "talks": ["talks", "envoys", "summit"],
    "": ["rain", "bread", "football"],
}


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory, command):
    """The folder of a run on sentences of which some try to act in a page."""
    place = tmp_path_factory.mktemp("report")
    with (place / "news.jsonl").open("w") as stream:
        for n in range(180):
            label = list(WORDS)[n % 3]
            word = WORDS[label][n // 3 % 3]
            text = f"<img src=x onerror=alert({n})> The {word} of day {n} & <script>alert(1)</script> {word} again."
            given = label if n % 20 else "talks"  # a few wrong labels: mistakes are certain
            stream.write(json.dumps({"text": text, "labels": given, "article_id": str(n // 3)}) + "\n")
    options = ("data=sentences", "data.path=news.jsonl", "labels=given", "tracking=off", "name='<b>bold</b>'")
    done = command(place, "train", *options)
    assert done.returncode == 0, done.stderr
    return next(place.glob("experiments/runs/*/*/"))


def test_the_page_holds_no_script_and_names_nothing_outside_itself(folder):
    page = Page((folder / "report.html").read_text())
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form", "a"} == set()
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 5  # no dates, so no counts over time
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    policy = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_text_of_articles_and_names_of_runs_stand_in_the_page_as_text(folder):
    page = Page((folder / "report.html").read_text())
    assert "<b>bold</b>" in page.text
    assert "<script>alert(1)</script>" in page.text


def test_mistakes_are_those_of_the_predictions_the_surest_first_with_what_led_there(folder):
    errors = pd.read_csv(folder / "errors.csv", keep_default_na=False)
    predictions = pd.read_parquet(folder / "predictions_test.parquet").set_index("sentence_id")
    assert len(errors)
    for row in errors.itertuples():
        found = predictions.loc[row.sentence_id]
        assert (row.topic in found["topics"]) != (row.topic in found["labels"])
        assert (row.kind == "false positive") == (row.topic in found["topics"])
        assert row.probability == pytest.approx(found[row.topic])
        assert row.text == found["text"]
        assert "word: " in row.terms
        assert row.nearest not in set(predictions["text"])
        assert 0 < row.similarity <= 1 + 1e-9
    for (_, kind), rows in errors.groupby(["topic", "kind"]):
        assert (
            rows["probability"].is_monotonic_decreasing
            if kind == "false positive"
            else rows["probability"].is_monotonic_increasing
        )
    page = Page((folder / "report.html").read_text())
    assert all(text in page.text for text in errors["text"])


def test_the_page_says_what_was_trained_on_and_how_to_do_it_again(folder):
    page = Page((folder / "report.html").read_text())
    assert "slugline train data=sentences data.path=news.jsonl labels=given tracking=off" in page.text
    assert "180 of 180 sentences of 60 articles; left out: none. Labels: 180 given." in page.text
