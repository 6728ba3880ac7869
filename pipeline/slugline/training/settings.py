"""The settings of a training: every choice, its default, and the text that `--help` shows for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from slugline.components import option, to_config, to_plain
from slugline.errors import InputError
from slugline.files import shipped

COMPONENT = {"component": True}  # a field that a group of the config fills


@dataclass(frozen=True)
class EvaluationSettings:
    """How a model is judged, on test, or on dev where there is no test.

    Parameters
    ----------
    slices : list of str
        Columns of the sentences, or `period`, `length` and `place` (title, first sentence, later ones), by which scores
        are given apart.
    recall : float
        The share of a topic's sentences that the reading budget is to find, above 0, to 1.
    period : str, optional
        Of counts over time: day, week, month, quarter or year; else the finest with at most 31 periods.
    prevalence : str
        How counts are corrected for the model's errors: `difference` or `adjusted`.
    repeats : int
        The number of splits; each beyond the first takes a fit.
    learning_curve : list of float
        Shares of the training articles; each takes a fit.
    """

    slices: list[str] = option(
        ["source", "language", "period", "length", "place"], "or any column, if need be of data.keep"
    )
    recall: float = option(0.95, "the reading budget is how much one reads, likeliest first, to find this share")
    period: str | None = option(None, "of counts over time: day, week, month, quarter, year; null: by the dates")
    prevalence: str = option("difference", "how counts are corrected for the model's errors; or adjusted")
    repeats: int = option(1, "splits; each beyond the first takes a fit, and gives mean and spread of the scores")
    learning_curve: list[float] = option([], "shares of the training articles, as [0.1, 0.25, 0.5, 1]; a fit each")

    def __post_init__(self) -> None:
        """Check the numbers and names."""
        from slugline.scoring.prevalence import require_method

        if not 0 < self.recall <= 1:
            raise InputError(f"evaluation.recall={self.recall}; allowed: above 0, to 1")
        if wrong := [share for share in self.learning_curve if not 0 < share <= 1]:
            raise InputError(f"evaluation.learning_curve: {wrong[0]:g}; allowed: above 0, to 1")
        require_method(self.prevalence, "evaluation.prevalence")
        if self.repeats < 1:
            raise InputError(f"evaluation.repeats={self.repeats}; allowed: 1 or more")


def _sample_articles() -> Any:
    from slugline.data.corpus import ArticleCorpus

    return ArticleCorpus(str(shipped("data/sample") / "articles.jsonl"))


def _sample_labels() -> Any:
    from slugline.labels import Labels
    from slugline.labels.taxonomy import read_taxonomy

    taxonomy = read_taxonomy(shipped("conf") / "labels" / "plover.yaml")
    return Labels(gold=str(shipped("data/sample") / "labels.jsonl"), given=False, **taxonomy)


def _words_and_characters() -> dict[str, Any]:
    from slugline.ngrams import TfidfVectorizer

    return {
        "word": TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        "char": TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True),
    }


def _tuned_threshold() -> Any:
    from slugline.scoring import TunedThreshold

    return TunedThreshold()


def _cache_folder() -> Any:
    from slugline.cache import Folder

    return Folder()


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """All that decides a training; the defaults train on the sample that ships with Slugline.

    Parameters
    ----------
    data : callable
        A reader: `ArticleCorpus`, `SentenceCorpus`, or a class of your own that returns a `Corpus`.
    labels : Labels
        The labeller.
    split : callable
        A splitter: takes sentences and `Y`, returns train, dev or test for each. By default `ByArticle`, with `seed`.
    features : mapping of str to vectorizer
        Vectorizers of `slugline.ngrams` or with scikit-learn's interface, by name.
    model : estimator
        A scikit-learn classifier; one copy of it learns each topic. By default a linear SVM, with `seed`.
    threshold : callable
        Chooses the threshold of each topic: `TunedThreshold` or `FixedThreshold`.
    evaluation : EvaluationSettings
        How the model is judged.
    cache : Folder or Off
        Where stages keep what they make.
    tracking : Mlflow, Off or None
        Where the run is logged; None is MLflow with its defaults.
    name, seed, folds, n_jobs, epochs, plots, allowed_modules
        See their help texts, or `slugline train --help`.
    """

    data: Any = field(default_factory=_sample_articles, metadata=COMPONENT)
    labels: Any = field(default_factory=_sample_labels, metadata=COMPONENT)
    split: Any = field(default=None, metadata=COMPONENT)
    features: Mapping[str, Any] = field(default_factory=_words_and_characters, metadata=COMPONENT)
    model: Any = field(default=None, metadata=COMPONENT)
    threshold: Any = field(default_factory=_tuned_threshold, metadata=COMPONENT)
    cache: Any = field(default_factory=_cache_folder, metadata=COMPONENT)
    tracking: Any = field(default=None, metadata=COMPONENT)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    name: str | None = option(None, "of the run; else it says what was chosen")
    seed: int = option(0, "of the split, the folds and the models")
    folds: int = option(5, "of the cross-validation for calibration and thresholds, by article")
    n_jobs: int = option(-1, "threads that fit; -1: all cores")
    epochs: int = option(5, "times through the data, with data.chunk_rows")
    plots: bool = option(True, "false: tables alone, neither plots nor report.html: quicker; for large sweeps")
    allowed_modules: list[str] = option([], "modules beside slugline and sklearn whose classes `_target_` may name")

    def __post_init__(self) -> None:
        """Make the defaults that depend on the seed."""
        from sklearn.svm import LinearSVC

        from slugline.splits import ByArticle

        if self.split is None:
            object.__setattr__(self, "split", ByArticle(seed=self.seed))
        if self.model is None:
            object.__setattr__(self, "model", LinearSVC(C=0.3, dual=True, tol=0.01, random_state=self.seed))

    def to_config(self) -> dict[str, Any]:
        """Return the settings as YAML can hold them, components with their class and all their options."""
        config: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, EvaluationSettings):
                config[item.name] = asdict(value)
            elif item.metadata.get("component") and isinstance(value, Mapping):
                config[item.name] = {name: to_config(part) for name, part in value.items()}
            elif item.metadata.get("component") and value is not None:
                config[item.name] = to_config(value)
            else:
                config[item.name] = to_plain(value)
        return config
