"""The page of a run needs nothing but itself, lets no text of an article act, and shows mistakes that are mistakes."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier

from slugline import cache, report, tracking
from slugline.data import SentenceCorpus
from slugline.labels import Labels
from slugline.labels.taxonomy import Topic
from slugline.launch import REPORT, TABLES, Launch
from slugline.monitoring import DriftReport
from slugline.ngrams import HashingVectorizer
from slugline.report.rendering import Table, render
from slugline.training.settings import EvaluationSettings, TrainSettings
from slugline.workflow import train

ODD = '<script>alert("1")</script> & it\'s *odd* $x$ {{ 1 + 1 }}'  # acts in HTML, Markdown, plots or a template
OVERRIDES = ["data=sentences", "data.path=news.jsonl", "labels=given", "tracking=off"]
WORDS = {
    ODD: ["truce", "ceasefire", "armistice"],
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


def write_sentences(file: Path) -> None:
    """Write sentences that try to act in a page, a few of them with wrong labels: mistakes are certain."""
    with file.open("w") as stream:
        for n in range(180):
            topic = list(WORDS)[n % 3]
            word = WORDS[topic][n // 3 % 3]
            text = f"<img src=x onerror=alert({n})> The {word} of day {n} & <script>alert(1)</script> {word} again."
            label = topic if n % 20 else "talks"
            row = {"text": text, "labels": [label] if label else [], "article_id": str(n // 3)}
            stream.write(json.dumps(row) + "\n")


def train_in(folder: Path, **settings):
    """Train on the sentences above in a folder, without MLflow and cache, and return the run."""
    write_sentences(folder / "news.jsonl")
    options = {"data": SentenceCorpus(str(folder / "news.jsonl")), "cache": cache.Off(), "tracking": tracking.Off()}
    options["evaluation"] = EvaluationSettings(cross_validation=False)
    return train(TrainSettings(**(options | settings)), Launch(folder / "run", overrides=OVERRIDES))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose name, topics, definitions, notes and sentences try to act in a page."""
    folder = tmp_path_factory.mktemp("report")
    topics = {ODD: Topic(definition=f"What {ODD} means"), "talks": Topic(definition="They meet.")}
    run = train_in(folder, name=ODD, labels=Labels(topics=topics))
    run.dataset.notes.append(f"A note: {ODD}")
    report.write_page(run, report.find_mistakes(run), report.draw_plots(run))
    return run


@pytest.fixture(scope="module")
def page(run):
    """The page of that run."""
    return Page((run.folder / REPORT).read_text())


def check_nothing_acts(page: Page) -> None:
    """Check that a page runs no script, fetches nothing, and says so to the browser."""
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form"} == set()
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    policy = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_holds_no_script_and_names_nothing_outside_itself(page):
    check_nothing_acts(page)
    assert not [tag for tag, attributes in page.tags if {"src", "xlink:href"} & set(attributes)]


def test_the_contents_lead_to_every_section_and_mistakes_are_folded_by_topic(run, page):
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [f"#{attributes['id']}" for tag, attributes in page.tags if tag == "h2"]
    assert "#mistakes" in links
    mistakes = report.find_mistakes(run)
    folded = [tag for tag, _ in page.tags].count("summary")
    assert folded == mistakes["topic"].nunique() + 2  # definitions, config


def test_the_plots_of_a_page_are_drawn_for_each_topic_and_named_for_screen_readers(page):
    panels = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("role") == "img"]
    assert len(panels) == 5 * 2  # no dates, so no counts over time
    assert [tag for tag, _ in page.tags].count("figcaption") == 5


def test_names_definitions_notes_and_sentences_stand_in_the_page_as_text(page):
    title, heading = page.text.split(ODD, 2)[:2]
    assert (title.strip(), heading.strip()[:4]) == ("", ":roo")  # title, style, heading
    assert f"these topics, or none: {ODD}, talks?" in page.text
    assert f"What {ODD} means" in page.text
    assert f"A note: {ODD}" in page.text
    assert "<script>alert(1)</script>" in page.text


def test_mistakes_are_those_of_the_predictions_the_surest_first_with_what_led_there(run, page):
    errors = pd.read_json(run.folder / TABLES / "errors.json", orient="split", dtype=False)
    predictions = pd.read_parquet(run.folder / TABLES / "predictions_test.parquet").set_index("sentence_id")
    assert len(errors)
    for row in errors.itertuples():
        prediction = predictions.loc[row.sentence_id]
        assert (row.topic in prediction["topics"]) != (row.topic in prediction["labels"])
        assert (row.kind == "false positive") == (row.topic in prediction["topics"])
        assert row.probability == pytest.approx(prediction[row.topic])
        assert row.text == prediction["text"]
        assert row.labels == ", ".join(prediction["labels"])
        assert " +" in row.terms
        assert row.nearest not in set(predictions["text"])
        assert 0 < row.similarity <= 1 + 1e-9
    for (_, kind), rows in errors.groupby(["topic", "kind"]):
        assert (
            rows["probability"].is_monotonic_decreasing
            if kind == "false positive"
            else rows["probability"].is_monotonic_increasing
        )
    assert all(text in page.text for text in errors["text"])
    assert all(f"): {text}" in page.text for text in errors["nearest"])
    assert "Training sentences are not kept" not in page.text


def test_the_terms_of_a_mistake_are_those_that_the_model_explains_its_topic_by(run):
    for row in report.find_mistakes(run).itertuples():
        shares = run.model.explain(row.text)[row.topic]
        assert row.terms == ", ".join(f"{term} {share:+.2f}" for term, share in list(shares.items())[:-1])


def test_a_run_without_mistakes_has_an_empty_table_with_the_same_columns(run):
    errors = report.find_mistakes(run, limit=0)
    assert errors.empty
    assert errors.columns.tolist() == report.find_mistakes(run).columns.tolist()
    assert report.find_mistakes(run, limit=1).groupby(["topic", "kind"]).size().max() == 1


def test_the_page_says_what_was_trained_on_and_how_to_do_it_again(page):
    assert "slugline train data=sentences data.path=news.jsonl labels=given tracking=off" in page.text
    assert "180 of 180 sentences of 60 articles; left out: none. Labels: 180 given." in page.text


def test_page_card_description_and_terminal_give_the_same_scores(run, page):
    scores = run.scores.loc["talks"]
    low, high = (run.metrics[f"test/f1/talks_{end}"] for end in ("low", "high"))
    numbers = [f"{scores[name]:.3f}" for name in ("precision", "recall", "f1")]
    between = f"{low:.3f} to {high:.3f}"
    assert "".join(["talks", *numbers, between]) in page.text
    assert " | &ensp;".join(["| talks", *numbers, between]) in report.describe_model(run)
    assert f"| talks | &ensp;{' | &ensp;'.join(numbers)} |" in report.describe_run(run)
    shown = report.describe_scores(run.metrics, run.dataset.topics, run.part)
    line = next(line for line in shown.splitlines() if line.startswith("talks"))
    assert line.split()[1:7] == [*numbers, *between.split()]
    baseline = run.metrics["test/f1_macro_most_frequent"]
    assert f"baselines: most frequent {baseline:.3f}" in page.text
    assert f"baseline most frequent: macro F1 {baseline:.3f}" in shown


def test_names_and_definitions_are_plain_text_in_markdown(run):
    escaped = r"\<script\>alert(\"1\")\</script\> & it's \*odd\* \$x\$ {{ 1 + 1 }}".replace(r"\"", '"')
    card = report.describe_model(run)
    assert card.splitlines()[0] == f"# {escaped}"
    assert f"* **{escaped}**: What {escaped} means" in card
    assert f"* Note: A note: {escaped}." in card
    rows = report.describe_run(run).splitlines()
    assert [line.endswith(f"| &ensp;What {escaped} means |") for line in rows if line.startswith(f"| {escaped} |")] == [
        True
    ]
    assert "<script>" not in card + "".join(rows)


def test_a_description_longer_than_mlflow_takes_is_cut_at_a_topic_and_says_so(run, monkeypatch):
    whole = report.describe_run(run).splitlines()
    longest = sum(len(line) + 1 for line in whole[:-1]) + len("\n\nAnd 1 more topics: see model_card.md.")
    monkeypatch.setattr("slugline.report.card._LONGEST_DESCRIPTION", longest)
    cut = report.describe_run(run).splitlines()
    assert cut == [*whole[:-1], "", "And 1 more topics: see model_card.md."]


def test_training_out_of_core_shows_mistakes_without_the_nearest_training_sentence(tmp_path):
    run = train_in(
        tmp_path,
        data=SentenceCorpus(str(tmp_path / "news.jsonl"), chunk_rows=50),
        labels=Labels(),
        features={"hashing": HashingVectorizer(n_features=2**12)},
        model=SGDClassifier(loss="log_loss", random_state=0),
    )
    errors = pd.read_json(run.folder / TABLES / "errors.json", orient="split")
    assert len(errors)
    assert (errors[["nearest", "nearest_labels"]] == "").all(axis=None)
    assert errors["similarity"].isna().all()
    page = Page((run.folder / REPORT).read_text())
    assert "Training sentences are not kept with data.chunk_rows" in page.text
    assert "Most alike in train" not in page.text
    assert all(text in page.text for text in errors["text"])


def compared() -> dict[str, object]:
    """Return what the page of a comparison of two runs with odd names is made of."""
    scores = pd.DataFrame({f"A {ODD}": [0.5, 0.25], f"B {ODD}": [0.75, np.nan]}, index=[f"f1/{ODD}", "ap_macro"])
    columns = ["one", "other", "difference", "low", "high", "p", "p_holm"]
    rows = [[0.75, 0.5, 0.25, 0.125, 0.375, 0.01, 0.02], [0.75, 0.5, 0.25, 0.1, 0.4, 0.0004, 0.0004]]
    difference = pd.DataFrame(rows, [f"f1/{ODD}", "f1_macro"], columns)
    change = {"run": f"B {ODD}", "topic": ODD, "change": "gained", "right": "now right"}
    changes = pd.DataFrame([change | {"sentence_id": f"id{n}", "text": f"Text {n}. {ODD}"} for n in range(501)])
    tally = pd.crosstab([changes["run"], changes["topic"]], changes["change"]).rename_axis(columns=None)
    return {
        "judged": "2 sentences of 1 articles",
        "reference": f"A {ODD}",
        "scores": scores.rename_axis("metric"),
        "differences": {f"B {ODD}": difference.rename_axis("metric")},
        "changes": changes,
        "tally": tally,
    }


def test_the_page_of_a_comparison_shows_scores_differences_and_the_first_changes():
    page = Page(report.comparison_page(**compared()))
    check_nothing_acts(page)
    assert f"metricA {ODD}B {ODD}" in page.text
    assert f"f1/{ODD}0.5000.750" in page.text
    verdict = f"B {ODD}: macro F1 +0.250 (+0.100 to +0.400) against A {ODD}: better, beyond chance"
    assert (
        page.text.index(verdict) < page.text.index("By 2 sentences of 1 articles") < page.text.index(f"metricA {ODD}")
    )
    assert "0.400<0.001<0.001" in page.text
    assert f"B {ODD} less A {ODD}" in page.text
    assert f"f1/{ODD}0.2500.1250.3750.0100.020" in page.text  # without the scores of both
    assert "501 decisions changed sides" in page.text
    assert f"B {ODD}{ODD}501" in page.text
    assert "The sentences, the first 500" in page.text
    assert f"Text 499. {ODD}" in page.text
    assert "Text 500." not in page.text
    assert "id499" not in page.text
    assert "nan" not in page.text


def test_a_comparison_without_changes_has_no_list_of_them():
    nothing = compared()["changes"].head(0)
    page = Page(report.comparison_page(**compared() | {"changes": nothing, "tally": pd.DataFrame()}))
    assert "0 decisions changed sides" in page.text
    assert "The sentences" not in page.text
    assert page.text.strip().startswith("Comparison")


def test_the_page_of_a_drift_shows_what_drifted_and_the_counts():
    drift = pd.DataFrame(
        {
            "what": [f"share/{ODD}", "words"],
            "reference": [0.5, 0.25],
            "new": 0.125,
            "effect": 0.3,
            "p": 0.0,
            "drift": [True, False],
        }
    )
    counts = pd.DataFrame({"period": ["all", None], "topic": ODD, "counted": [12, 3], "corrected": [10.4, np.nan]})
    counts["low"] = counts["high"] = counts["corrected"]
    drifts = DriftReport(drift.assign(part=""), counts, f"2 sentences of {ODD}", ["1 of 2 articles is known"])
    page = Page(report.drift_page(drifts))
    check_nothing_acts(page)
    assert page.text.index("Drift: the new articles differ in 1 of 2 measures") < page.text.index("1 of 2 articles is")
    assert f"2 sentences of {ODD}.\n" in page.text
    assert f"the share of sentences with {ODD}0.5000.1250.300<0.001drift" in page.text
    assert "the length of sentences0.2500.1250.300<0.001\n" in page.text
    assert f"{ODD}12101010\n" in page.text
    assert f"\n{ODD}3\n" in page.text  # neither a period nor a corrected number


def test_a_table_aligns_numbers_and_leaves_missing_values_blank():
    frame = pd.DataFrame({"name": ["a", None], "n": [1, 2], "share": [0.25, np.nan]})
    assert Table.from_frame(frame, decimals=2) == Table(["name", "n", "share"], [["a", 1, "0.25"], ["", 2, ""]], [1, 2])


def test_a_template_that_misses_a_value_is_an_error():
    with pytest.raises(Exception, match="'verdict' is undefined"):
        render("drift.html.j2", title="Drift", drift=Table([], []), counts=Table([], []))
