"""Teachers: what a model learns from sentences that nobody labelled, and that its scores stay honest."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from tiny_encoders import tiny_weights, write_encoder

from slugline.cache import Folder, Stages
from slugline.components import settings_to_config, to_yaml
from slugline.config.recorded import read_recorded
from slugline.data import SentenceCorpus
from slugline.dataset import Dataset, build_dataset
from slugline.duplicates import article_groups
from slugline.encoder import SentenceEncoder
from slugline.errors import InputError
from slugline.finetune import FineTunedEncoder, LabelledTexts
from slugline.finetune.training import Labelled, Training
from slugline.labels import Labels, Topic
from slugline.model.rule_votes import RuleVotes
from slugline.ngrams import TfidfVectorizer
from slugline.scoring import score
from slugline.splits import Given
from slugline.training.fit import fit_model
from slugline.training.heads import divide_folds
from slugline.training.settings import TrainSettings
from slugline.training.teaching import Teacher, describe_taught, teach

FILLERS = [
    "bell",
    "crane",
    "dust",
    "ember",
    "fence",
    "grain",
    "hinge",
    "ivory",
    "juror",
    "kite",
    "lemon",
    "mango",
    "olive",
]
# Each topic: the word that its labelled sentences have, and one that stands beside it where nobody labelled
WORDS = {"storm": ("gale", "hurricane"), "flood": ("river", "deluge"), None: ("market", "bazaar")}


def rows(copies: int = 0) -> list[dict[str, Any]]:
    """Return labelled sentences, others without labels, and those of test, which have the second words alone.

    As many sentences without labels are copies of test.
    """
    random, made = np.random.default_rng(0), []

    def add(words: str, article: str, split: str, topic: str | None, *, labelled: bool = True) -> None:
        filled = f"{' '.join(random.choice(FILLERS, 5))} {words} {' '.join(random.choice(FILLERS, 5))}"
        labels = ([topic] if topic else []) if labelled else None
        made.append({"text": filled, "article_id": article, "split": split, "labels": labels})

    for number in range(20):
        for topic, (first, second) in WORDS.items():
            add(first, f"a{number}", "train", topic)
            add(f"{first} {second}", f"b{number}", "train", topic, labelled=False)
            add(second, f"c{number}", "test", topic)
    test = [row for row in made if row["split"] == "test"][:copies]
    extra = [{**row, "text": row["text"].upper(), "article_id": "copies", "labels": None} for row in test]
    held_out = [{"text": "a sentence of test without a label", "article_id": "c0", "split": "test", "labels": None}]
    return made + extra + held_out


@pytest.fixture
def make(tmp_path):
    """`make(**options)` returns the dataset of `rows` and the settings of a training of it."""

    def build(copies: int = 0, **options: Any) -> tuple[Dataset, TrainSettings]:
        file = tmp_path / "news.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows(copies)), encoding="utf-8")
        settings = TrainSettings(
            data=SentenceCorpus(str(file)),
            split=Given("split"),
            features={"word": TfidfVectorizer(min_df=1)},
            folds=3,
            **{"teacher": Teacher(), "labels": Labels(), **options},
        )
        return build_dataset(settings.data, settings.labels, settings.split, Stages()), settings

    return build


def f1(dataset: Dataset, settings: TrainSettings) -> float:
    """Return macro F1 on test."""
    fitted, test = fit_model(dataset, settings, Stages()), dataset.rows("test")
    return score(dataset.Y[test], fitted.model.decide(fitted.probabilities[test]), dataset.topics)["f1_macro"]


def test_words_that_no_label_shows_are_learned_from_sentences_without_labels(make):
    dataset, settings = make()
    assert f1(dataset, replace(settings, teacher=None)) < 0.7
    assert f1(dataset, settings) > 0.75


def test_copies_of_held_out_sentences_and_others_of_their_articles_are_not_taught_on_but_counted(make):
    dataset, settings = make(copies=7)
    taught = teach(dataset, settings, Stages(), fit_model)
    assert {key: taught.metrics[f"teacher/{key}"] for key in ("sentences", "copies", "held_out")} == {
        "sentences": 60,
        "copies": 7,
        "held_out": 1,
    }
    held_out = {text.lower() for text in dataset.sentences["text"][dataset.rows("test")]}
    assert not held_out & {text.lower() for text in taught.texts}


def test_in_a_fold_the_teacher_has_not_seen_the_labels_of_the_fold(make):
    dataset, settings = make()
    before = teach(dataset, settings, Stages(), fit_model).probabilities
    held_out = settings.folds - 1
    seen: list[set[str]] = []

    def fit(part: Dataset, own: TrainSettings, stages: Stages) -> Any:
        seen.append(set(part.sentences["article_id"][part.rows("train")]))
        return fit_model(part, own, stages)

    teach(dataset, settings, Stages(), fit)
    everything, *folds = seen
    assert before.shape[0] == len(seen) == 1 + settings.folds
    assert sorted(article for fold in folds for article in everything - fold) == sorted(everything)
    assert not np.array_equal(before[0], before[1 + held_out])


def test_a_teacher_has_features_of_its_own_and_the_pupil_keeps_its(make):
    dataset, settings = make(teacher=Teacher(features={"char": TfidfVectorizer(analyzer="char_wb", min_df=1)}))
    fitted = fit_model(dataset, settings, Stages())
    assert [part.name for part in fitted.model.vectorizers] == ["word"]
    assert fitted.train_features[0].shape[0] == dataset.rows("train").sum()
    assert fitted.teacher_metrics.keys() >= {"teacher/test/f1_macro", "teacher/test/ap_macro"}


def test_a_topic_that_a_fold_lacks_gets_no_probability_from_the_teacher_of_the_fold(make):
    dataset, settings = make()
    Y = dataset.Y.copy()
    Y[:, 0] &= np.isin(dataset.sentences["article_id"], ["a3", "c3"])
    probabilities = teach(dataset._replace(Y=Y), settings, Stages(), fit_model).probabilities
    assert (probabilities[1:, :, 0].max(axis=1) == 0).sum() == 1


def test_what_a_teacher_says_is_kept_until_labels_or_texts_change(make, tmp_path):
    dataset, settings = make()
    cache, fits = Folder(str(tmp_path / "cache")), []

    def fit(*arguments: Any) -> Any:
        fits.append(1)
        return fit_model(*arguments)

    first = teach(dataset, settings, Stages(cache), fit)
    again = teach(dataset, replace(settings, teacher=Teacher(weight=0.5)), Stages(cache), fit)
    assert np.array_equal(first.probabilities, again.probabilities)
    assert (first.metrics, len(fits)) == (again.metrics, 4)
    teach(dataset, replace(settings, teacher=Teacher(max_sentences=9)), Stages(cache), fit)
    assert len(fits) == 8


def count_fits(dataset: Dataset, settings: TrainSettings, cache: Folder) -> int:
    """Return how often a teacher is fitted; on words, as what its own features would say is of no matter here."""
    fits = []

    def fit(part: Dataset, own: TrainSettings, stages: Stages) -> Any:
        fits.append(1)
        return fit_model(part, replace(own, features=settings.features), stages)

    teach(dataset, settings, Stages(cache), fit)
    return len(fits)


def test_what_a_teacher_says_is_not_kept_when_the_folder_of_its_encoder_holds_another(make, tmp_path):
    pytest.importorskip("tokenizers", reason="the extra encoder is not installed")
    folder, cache = write_encoder(tmp_path / "tiny", tiny_weights()), Folder(str(tmp_path / "cache"))
    dataset, settings = make(teacher=Teacher(features={"encoder": SentenceEncoder(folder=str(folder))}))
    assert [count_fits(dataset, settings, cache) for _ in range(2)] == [4, 0]
    write_encoder(folder, tiny_weights(seed=1))
    assert [count_fits(dataset, settings, cache) for _ in range(2)] == [4, 0]


def test_what_a_teacher_says_is_not_kept_when_the_rules_change_that_it_learns_from(make, tmp_path):
    cache, teacher = Folder(str(tmp_path / "cache")), Teacher(features={"rules": RuleVotes()})
    for keyword, fits in (("gale", 4), ("gale", 0), ("storm", 4)):
        labels = Labels(topics={"storm": Topic(keywords=[keyword]), "flood": Topic()})
        dataset, settings = make(teacher=teacher, labels=labels)
        assert count_fits(dataset, settings, cache) == fits, keyword


def test_articles_of_another_path_are_labelled_beside_those_of_the_data(make, tmp_path):
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"text": "The hurricane came ashore. The deluge went on."}) + "\n", encoding="utf-8")
    dataset, settings = make(teacher=Teacher(path=str(more)))
    taught = teach(dataset, settings, Stages(), fit_model)
    assert taught.texts[-2:] == ["The hurricane came ashore.", "The deluge went on."]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"weight": 0.0}, r"teacher.weight=0; allowed: above 0"), ({"max_sentences": 0}, "teacher.max_sentences=0")],
)
def test_numbers_that_teach_nothing_are_refused(options, error):
    with pytest.raises(InputError, match=error):
        Teacher(**options)


def test_without_sentences_to_label_the_error_says_where_more_can_come_from(make):
    dataset, settings = make()
    labelled = dataset._replace(unlabelled=dataset.unlabelled[-1:])
    with pytest.raises(InputError, match=r"1 of the data have no label, 1 of them in articles of dev and test; give"):
        teach(labelled, settings, Stages(), fit_model)


def test_a_classifier_that_takes_no_weights_cannot_be_taught(make):
    from sklearn.neighbors import KNeighborsClassifier

    dataset, settings = make(teacher=Teacher(model=TrainSettings().model), model=KNeighborsClassifier())
    with pytest.raises(InputError, match=r"takes no sample weights, which a teacher gives; allowed: teacher=null"):
        fit_model(dataset, settings, Stages())


def test_the_record_of_a_run_makes_the_teacher_again(make):
    features = {"char": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))}
    settings = make(teacher=Teacher(features=features, max_sentences=50))[1]
    again = read_recorded(to_yaml(settings_to_config(settings)), ()).teacher
    assert (again.features["char"].get_params(), again.max_sentences) == (features["char"].get_params(), 50)
    bad = settings_to_config(settings)
    bad["teacher"]["features"]["char"]["_target_"] = "os.system"
    with pytest.raises(InputError, match=r"teacher.features.char._target_: 'os.system' is not allowed"):
        read_recorded(to_yaml(bad), ())


@pytest.mark.slow
def test_a_training_says_who_taught_it_and_is_reproduced(make, tmp_path: Path, command):
    make(copies=2)
    options = ["labels=given", "split=column", "features=word", "teacher=self", "features@teacher.features=char_4"]
    done = command(tmp_path, "train", "data=sentences", "data.path=news.jsonl", *options, "folds=3", "plots=false")
    assert done.returncode == 0, done.stderr
    line = "taught by LinearSVC on char, which labelled 60 sentences without labels (macro F1 on test "
    assert line in done.stdout
    assert "left out: 1 of articles of dev and test, 2 copies of sentences of dev and test" in done.stdout
    run = MlflowClient(f"sqlite:///{tmp_path}/store.db").search_runs(["1"])[0]
    assert run.data.params["choice/teacher"] == "self"
    assert line in next((tmp_path / "experiments" / "runs").rglob("model_card.md")).read_text(encoding="utf-8")
    again = command(tmp_path, "reproduce", f"run_id={run.info.run_id}")
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.fixture
def encoder(tmp_path):
    """An encoder to fine-tune that is small and at random."""
    pytest.importorskip("torch", reason="the extra finetune is not installed")
    folder = write_encoder(tmp_path / "tiny", tiny_weights())
    return FineTunedEncoder(folder=str(folder), folds=2, epochs=1, learning_rate=1e-2, seed=5)


@pytest.fixture
def trainings(monkeypatch):
    """The number of sentences that each training of an encoder had."""
    seen: list[int] = []
    run = Training.run

    def spy(self: Training, train: Labelled, dev: Labelled | None = None) -> None:
        seen.append(len(train.tokens))
        run(self, train, dev)

    monkeypatch.setattr(Training, "run", spy)
    return seen


def test_a_fine_tuned_encoder_teaches_by_its_own_folds(make, encoder, trainings):
    dataset, settings = make(teacher=Teacher(features={"encoder": encoder}))
    fitted = fit_model(dataset, settings, Stages())
    assert len(trainings) == 2
    assert [part.name for part in fitted.model.vectorizers] == ["word"]
    assert fitted.teacher_metrics.keys() >= {"teacher/test/f1_macro", "teacher/test/ap_macro"}
    told = describe_taught(settings, fitted.teacher_metrics)
    assert told.startswith("taught by a fine-tuned encoder, which labelled 60 sentences")


def test_the_encoder_of_a_fold_has_not_seen_its_labels(make, encoder):
    dataset = make()[0]
    rows = dataset.rows("train")
    texts, Y = dataset.sentences["text"][rows].tolist(), dataset.Y[rows]
    groups = article_groups(dataset.sentences)[rows]
    is_held_out = divide_folds(Y, groups, encoder.folds, encoder.seed) == 0
    others = np.where(
        is_held_out[:, None], Y[:, ::-1], Y
    )  # the articles carry the same, so that folds stay as they are
    first, again = (encoder.cross_fit(LabelledTexts(texts, labels, groups), further=["gale"]) for labels in (Y, others))
    assert np.array_equal(first.further[0], again.further[0])
    assert np.array_equal(first.out_of_fold[is_held_out], again.out_of_fold[is_held_out])
    assert not np.allclose(first.further[1], again.further[1])


def test_what_an_encoder_says_is_kept_until_another_is_in_its_folder(make, encoder, tmp_path, trainings):
    cache = Folder(str(tmp_path / "cache"))
    dataset, settings = make(teacher=Teacher(features={"encoder": encoder}))
    first, again = (teach(dataset, settings, Stages(cache), fit_model) for _ in range(2))
    assert np.array_equal(first.probabilities, again.probabilities)
    assert (first.folds, len(trainings)) == (2, 2)
    write_encoder(tmp_path / "tiny", tiny_weights(seed=1))
    other = teach(dataset, settings, Stages(cache), fit_model)
    assert len(trainings) == 4
    assert not np.allclose(first.probabilities, other.probabilities)
    assert not list((tmp_path / "cache" / "unfinished").glob("*"))


def test_a_fine_tuned_encoder_teaches_alone(make, encoder):
    features = {"word": TfidfVectorizer(), "encoder": encoder}
    dataset, settings = make(teacher=Teacher(features=features))
    with pytest.raises(InputError, match="found word, encoder, but a fine-tuned encoder teaches alone; allowed: teach"):
        fit_model(dataset, settings, Stages())


@pytest.mark.slow
def test_a_model_that_a_fine_tuned_encoder_taught_is_one_of_words_alone(make, encoder, tmp_path, command):
    make()
    options = ["data=sentences", "data.path=news.jsonl", "labels=given", "split=column", "features=word", "plots=false"]
    own = {"folder": encoder.folder, "epochs": 1, "folds": 2}
    teacher = ["teacher=encoder_finetuned", *(f"teacher.features.encoder.{key}={value}" for key, value in own.items())]
    done = command(tmp_path, "train", *options, *teacher)
    assert done.returncode == 0, done.stderr
    assert "teacher taught by a fine-tuned encoder, which labelled 60 sentences without labels (macro F1" in done.stdout
    model = next((tmp_path / "experiments" / "runs").rglob("model"))
    assert not list(model.rglob("*encoder*"))
    (tmp_path / "later.txt").write_text("The gale came ashore.", encoding="utf-8")
    answer = command(tmp_path, "predict", f"model_uri={model}", "input=later.txt", "output=out.jsonl")
    assert answer.returncode == 0, answer.stderr
    assert json.loads((tmp_path / "out.jsonl").read_text())["text"] == "The gale came ashore."
