"""Drift is seen where text changed, not where it only varies from article to article, and the exit code tells."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from scipy.stats import chi2_contingency, false_discovery_control
from sklearn.feature_extraction.text import CountVectorizer

from slugline import report
from slugline.known_sentences import find_known, pack_sentences
from slugline.model import TopicModel
from slugline.model.heads import LinearHead
from slugline.model.vectorizers import from_estimator
from slugline.monitoring import DriftReport, detect_drift, profile_sentences
from slugline.monitoring.profiles import MIN_ARTICLES, compare_distributions, compare_profiles, distribution, share
from slugline.scoring import count_articles, holm, pack_counts

TOPICS = ("a", "b", "c")
LABELLED = (np.eye(3, dtype=bool), list("xyz"), np.eye(3, dtype=bool))  # predictions, articles, labels
MODEL = TopicModel(
    TOPICS,
    "multilabel",
    (from_estimator("word", CountVectorizer(vocabulary=["known"]).fit([])),),
    LinearHead(np.zeros((1, 3), np.float32), np.zeros(3)),
    np.full(3, 0.5),
)


def profile(words, unknown, probabilities, articles, sources, reference=None):
    """Return the profile of sentences of so many words, some of them unknown to the model."""
    texts = ["known " * (n - strange) + "zzyq " * strange for n, strange in zip(words, unknown, strict=True)]
    sentences = pd.DataFrame({"article_id": articles, "text": texts, "source": sources})
    return profile_sentences(MODEL, sentences, probabilities, reference)


def news(seed: int, articles: int = 120, shift: float = 0.0) -> dict:
    """Return made-up sentences whose topics, scores and lengths go by the article, as `profile` takes them."""
    random = np.random.default_rng(seed)
    sizes = random.integers(5, 25, articles)
    group = np.repeat(np.arange(articles), sizes)
    mood = random.normal(0, 1, articles)[group] + shift
    P = 1 / (1 + np.exp(-(mood[:, None] + random.normal(-2, 1, (len(group), 3)))))
    words = random.poisson(20, len(group)) + 1
    return {
        "probabilities": P,
        "words": words,
        "unknown": random.binomial(words, 0.1),
        "articles": group.astype(str).tolist(),
        "sources": [("Post", "Herald", None)[n % 3] for n in group],
    }


@pytest.mark.slow
def test_articles_of_one_kind_seldom_drift_though_their_sentences_hang_together():
    alarms = 0
    for seed in range(60):
        reference = profile(**news(seed))
        alarms += compare_profiles(reference, profile(**news(1000 + seed), reference=reference))["drift"].any()
    assert alarms <= 3


def test_few_articles_are_told_to_be_too_few_and_never_drift():
    reference = profile(**news(0))
    for articles in (1, 2, MIN_ARTICLES - 1):
        table = compare_profiles(reference, profile(**news(1, articles, shift=3.0), reference=reference))
        assert table["p"].isna().all()
        assert not table["drift"].any()
    report = DriftReport(table, pd.DataFrame(), "", n_articles=1)
    assert report.verdict == "Not tested: 1 article cannot tell chance from drift; 30 or more can."


def test_a_change_of_topics_lengths_and_words_is_seen():
    reference = profile(**news(0))
    shifted = news(1, shift=1.0)
    assert (
        compare_profiles(reference, profile(**shifted, reference=reference))
        .set_index("what")["drift"]
        .filter(like="a")
        .any()
    )
    longer = news(1) | {"words": news(1)["words"] * 2}
    assert compare_profiles(reference, profile(**longer, reference=reference)).set_index("what").loc["words", "drift"]
    strange = news(1) | {"unknown": news(1)["words"] // 2}
    found = compare_profiles(reference, profile(**strange, reference=reference)).set_index("what")
    assert found.loc["share of unknown words", "drift"]
    assert found.loc["share of unknown words", "new"] == pytest.approx(0.5, abs=0.03)


def test_a_profile_against_itself_has_no_effect_and_stays_the_same_as_json():
    one = profile(**news(0))
    table = compare_profiles(json.loads(json.dumps(one)), one)
    assert table["effect"].abs().max() < 1e-9
    assert not table["drift"].any()


def test_what_changed_most_is_named():
    reference = profile(**news(0))
    one_source = news(0) | {"sources": ["Herald"] * len(news(0)["words"])}
    found = compare_profiles(reference, profile(**one_source, reference=reference)).set_index("what")
    assert found.loc["source", "part"] == "Herald"
    assert found.loc["source", "new"] == pytest.approx(1, abs=0.01)
    nowhere = news(0) | {"sources": [None] * len(news(0)["words"])}
    silent = profile(**nowhere)
    assert compare_profiles(silent, silent).set_index("what").loc["source", "part"] == "other, or none given"
    longer = news(0) | {"words": news(0)["words"] + 40}
    words = compare_profiles(reference, profile(**longer, reference=reference)).set_index("what").loc["words", "part"]
    assert words == f"above {reference['distributions']['words']['edges'][-1]:.3g}"
    assert found.loc["share/a", "part"] == ""


def test_the_error_of_a_share_is_that_of_samples_of_whole_articles():
    random = np.random.default_rng(0)
    rates, sizes = random.beta(1, 4, 400), random.integers(1, 20, 400)
    part = random.binomial(sizes, rates)
    found = share(part, sizes, np.arange(400))
    drawn = random.integers(0, 400, (4000, 400))
    assert found["value"] == pytest.approx(part.sum() / sizes.sum())
    assert found["error"] == pytest.approx(np.std(part[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)), rel=0.05)


def test_with_a_sentence_an_article_the_test_is_pearsons_and_the_correction_holms():
    random = np.random.default_rng(1)
    bins = random.integers(0, 4, 500), random.integers(0, 4, 300)
    one, other = ({**distribution(b, [0, 1, 2], np.arange(len(b))), "effect": 1.0} for b in bins)
    expected = chi2_contingency([one["counts"], other["counts"]], correction=False).pvalue
    assert compare_distributions("x", one, other)["p"] == pytest.approx(expected)
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    p = random.random(50)
    assert (holm(p) >= false_discovery_control(p) - 1e-12).all()


def test_the_reference_of_a_part_is_the_same_whatever_it_is_compared_with():
    reference = profile(**news(0))
    one, other = (
        compare_profiles(reference, profile(**news(n, articles=size, shift=3.0), reference=reference))
        for n, size in ((1, 120), (2, 9))
    )
    both = one.merge(other, on=["what", "part"])
    assert len(both) > 3
    assert both["reference_x"].tolist() == both["reference_y"].tolist()


def test_articles_that_a_model_learned_from_are_known_by_digests_of_which_only_some_are_kept(monkeypatch):
    def article(name: str, sentences: int = 12) -> pd.DataFrame:
        return pd.DataFrame({"article_id": name, "text": [f"Sentence {n} of {name}." for n in range(sentences)]})

    learned = pd.concat([article(f"old {n}") for n in range(50)])
    new = pd.concat(
        [article("new"), article("old 3"), article("old 40").assign(text=lambda one: one["text"].str.upper())]
    )
    for most in (20_000, 300):
        monkeypatch.setattr("slugline.known_sentences._MAX_SENTENCES", most)
        packed = json.loads(json.dumps(pack_sentences(learned["text"])))
        assert len(packed["digests"]) == 10 * min(most, 600)
        assert "Sentence" not in json.dumps(packed)
        assert new["article_id"][find_known(new, packed)].unique().tolist() == ["old 3", "old 40"]
    assert not find_known(new, pack_sentences([])).any()


def test_known_articles_are_left_out_and_alone_are_counted_without_a_correction():
    reference = profile(**news(0)) | {"counts": pack_counts(count_articles(*LABELLED))}
    sentences = pd.DataFrame({"article_id": list("aabb"), "text": ["known one", "known", "zzyq", "zzyq two"]})
    sentences[["source", "published"]] = None
    head = LinearHead(np.zeros((3, 1), np.float32), np.zeros(3))
    model = replace(
        MODEL, head=head, info={"reference": reference, "learned_from": pack_sentences(["known", "known one"])}
    )
    options = {"model_uri": "models:/m/1", "period": None, "prevalence": "difference"}
    one = detect_drift(model, sentences, **options)
    assert one.cautions[0].startswith("1 of 2 articles are among those that the model learned from, and are left out")
    assert one.totals["sentences"].tolist() == [2, 2, 2]
    assert one.totals["corrected"].notna().all()
    same = detect_drift(model, sentences.head(2), **options)
    assert same.cautions[0].startswith("1 of 1 articles are among those")
    assert same.totals["corrected"].isna().all()
    assert report.drift_page(same).count("<svg") >= 2


@pytest.mark.slow
def test_the_command_leaves_with_0_or_3_and_logs_a_page(tmp_path, command):
    topics = {"truce": ["truce", "ceasefire"], "talks": ["talks", "summit"], "": ["rain", "bread", "football"]}

    def write(name: str, more: str) -> None:
        with (tmp_path / name).open("w") as stream:
            for n in range(240):
                label = list(topics)[n * 7 % 3]
                text = f"The {topics[label][n % 2]} of the {n % 11}th day {more} went on for a while, they said."
                stream.write(json.dumps({"text": text, "labels": label, "article_id": str(n // 4)}) + "\n")

    write("news.jsonl", "in town")
    write("same.jsonl", "in town")
    write("other.jsonl", "zzyq qqzz xyxy zxzx yzyz " * 4)
    trained = command(tmp_path, "train", "data=sentences", "data.path=news.jsonl", "labels=given", "plots=false")
    assert trained.returncode == 0, trained.stderr
    same = command(tmp_path, "monitor", "input=same.jsonl")
    assert same.returncode == 0, same.stdout + same.stderr
    other = command(tmp_path, "monitor", "input=other.jsonl")
    assert other.returncode == 3, other.stdout + other.stderr
    assert "share of unknown words" in [
        line.rsplit(maxsplit=5)[0].strip() for line in other.stdout.splitlines() if line.endswith(" True")
    ]
    store = MlflowClient(f"sqlite:///{tmp_path}/store.db")
    run = store.search_runs([store.get_experiment_by_name("slugline").experiment_id])[0]
    assert run.data.metrics["drift/count"] >= 1
    files = {
        file.path for folder in (None, "report", "tables") for file in store.list_artifacts(run.info.run_id, folder)
    }
    tables = {"tables/drift.csv", "tables/prevalence.csv"}
    assert files == {"metrics.json", "report", "report/report.html", "tables"} | tables
    counts = pd.read_csv(store.download_artifacts(run.info.run_id, "tables/prevalence.csv", str(tmp_path)))
    assert counts["period"].tolist() == ["all"] * 2  # since no article has a date
    wrong = command(tmp_path, "monitor", "input=same.jsonl", "prevalence=mean")
    assert (wrong.returncode, wrong.stdout) == (1, "")  # before anything is read
    assert wrong.stderr == "slugline: prevalence=mean; allowed: difference, adjusted\n"
    missing = command(tmp_path, "monitor", "input=none.jsonl")
    assert missing.returncode == 1
    assert missing.stderr.startswith("slugline: input: no such file or folder: none.jsonl")
    assert missing.stderr.count("\n") == 1
