"""The settings of a training: every choice, its default, and what `--help` says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slugline.errors import InputError
from slugline.files import shipped_folder

COMPONENT = {"component": True}  # a field that a group of the config fills


@dataclass(frozen=True)
class EvaluationSettings:
    """How a model is judged: on test, or on dev where there is no test, or by cross-validation.

    Parameters
    ----------
    slices : list of str
        Columns of the sentences, or `period`, `length` and `place` (title, first sentence, later ones), by which scores
        are reported separately; further columns of the files are read with `data.keep`.
    recall : float
        The share of a topic's sentences that the reading budget is to find: how much one reads, the most
        likely sentences first.
    period : str, optional
        Period of the counts over time: day, week, month, quarter or year; by default the finest that gives at most 31.
    prevalence : str
        How counts are corrected for the model's errors: difference, or adjusted (adjusted classify-and-count).
    repeats : int
        How many random splits to train and score on; each after the first costs one more fit.
    learning_curve : list of float
        Shares of the training articles, as [0.1, 0.25, 0.5, 1]; a fit each.
    cross_validation : bool, optional
        Whether the model is judged by cross-validation over the articles of train and dev, as many fits more as there
        are folds; by default where fewer than 100 sentences, or none, are held out.
    """

    slices: list[str] = field(default_factory=lambda: ["source", "language", "period", "length", "place"])
    recall: float = 0.95
    period: str | None = None
    prevalence: str = "difference"
    repeats: int = 1
    learning_curve: list[float] = field(default_factory=list)
    cross_validation: bool | None = None

    def __post_init__(self) -> None:
        """Check the numbers and names."""
        from slugline.scoring import check_method

        if not 0 < self.recall <= 1:
            raise InputError(f"evaluation.recall={self.recall}; allowed: above 0, to 1")
        if wrong := [share for share in self.learning_curve if not 0 < share <= 1]:
            raise InputError(f"evaluation.learning_curve: {wrong[0]:g}; allowed: above 0, to 1")
        check_method(self.prevalence, "evaluation.prevalence")
        if self.repeats < 1:
            raise InputError(f"evaluation.repeats={self.repeats}; allowed: 1 or more")
        if self.cross_validation not in (None, True, False):
            raise InputError(f"evaluation.cross_validation={self.cross_validation!r:.80}; allowed: true, false, null")
        if self.cross_validation and self.repeats > 1:
            raise InputError(f"evaluation.repeats={self.repeats}: evaluation=cross_validation judges all articles once")


def _sample_articles() -> Any:
    from slugline.data.corpus import ArticleCorpus

    return ArticleCorpus(str(shipped_folder("data/sample") / "articles.jsonl"))


def _sample_labels() -> Any:
    from slugline.labels import Labels, read_taxonomy

    taxonomy = read_taxonomy(shipped_folder("conf") / "labels" / "plover.yaml")
    return Labels(gold=str(shipped_folder("data/sample") / "labels.jsonl"), given=False, **taxonomy)


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
        A reader: `ArticleCorpus`, `SentenceCorpus`, or your own, which returns a frame of articles as
        `Corpus.from_frame` takes it, or a `Corpus`.
    labels : Labels
        The labeller: `Labels` or a subclass.
    split : callable
        A splitter: takes the labelled sentences (DataFrame, n rows) and `Y` (bool, shape (n, topics)), returns train,
        dev or test for each, shape (n,). By default `ByArticle`, with `seed`.
    features : mapping of str to vectorizer
        Vectorizers of `slugline.ngrams` or with scikit-learn's interface, by name.
    model : estimator
        A scikit-learn classifier; one copy of it learns each topic. One of your own must be linear (`coef_`,
        `intercept_`), as only weights are saved. By default a linear SVM, with `seed`.
    teacher : Teacher, optional
        A second model, which labels the sentences that nobody did, for `model` to learn from too.
    context : Neighbours, optional
        Whether the sentences before and after and the title are read too, and how much they count; None: no.
    threshold : callable
        Chooses the threshold of each topic: `TunedThreshold` or `FixedThreshold`.
    evaluation : EvaluationSettings
        How the model is judged.
    cache : Folder or Off
        Where stages keep what they make.
    tracking : Mlflow, Off or None
        Where the run is logged; None is MLflow with its defaults.
    name : str, optional
        The name of the run; by default it says what was chosen.
    seed : int
        Seed of the split, the folds and the model.
    folds : int
        The number of folds of the cross-validation, by article, for calibration and thresholds.
    n_jobs : int
        Threads that fit; -1 is all cores.
    epochs : int
        With data.chunk_rows: how often training goes through the data.
    plots : bool
        Whether to draw plots and write the report; without, large sweeps are quicker.
    allowed_modules : list of str
        Modules of your own whose classes `_target_` may name; also looked for beside the folder of `--config-dir`.
    """

    data: Any = field(default_factory=_sample_articles, metadata=COMPONENT)
    labels: Any = field(default_factory=_sample_labels, metadata=COMPONENT)
    split: Any = field(default=None, metadata=COMPONENT)
    features: Mapping[str, Any] = field(default_factory=_words_and_characters, metadata=COMPONENT)
    model: Any = field(default=None, metadata=COMPONENT)
    teacher: Any = field(default=None, metadata=COMPONENT)
    context: Any = field(default=None, metadata=COMPONENT)
    threshold: Any = field(default_factory=_tuned_threshold, metadata=COMPONENT)
    cache: Any = field(default_factory=_cache_folder, metadata=COMPONENT)
    tracking: Any = field(default=None, metadata=COMPONENT)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    name: str | None = None
    seed: int = 0
    folds: int = 5
    n_jobs: int = -1
    epochs: int = 5
    plots: bool = True
    allowed_modules: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the numbers, and make the defaults that depend on the seed."""
        from slugline.splits import ByArticle, check_seed
        from slugline.svm import LinearSVC

        self._check_kinds()
        if self.folds < 2:
            raise InputError(f"folds={self.folds}; allowed: 2 or more")
        if self.n_jobs == 0:
            raise InputError("n_jobs=0; allowed: a number of threads, -1 for all cores")
        if self.epochs < 1:
            raise InputError(f"epochs: {self.epochs}; allowed: 1 or more")
        check_seed(self.seed)
        if self.split is None:
            object.__setattr__(self, "split", ByArticle(seed=self.seed))
        if self.model is None:
            object.__setattr__(self, "model", LinearSVC(C=0.3, dual=True, tol=0.01, random_state=self.seed))

    def _check_kinds(self) -> None:
        """Raise `InputError` for what is no component, as a path in place of a reader."""
        from slugline.model.vectorizers import check_vectorizer

        for name, example in (
            ("data", 'slugline.data.ArticleCorpus("FOLDER")'),
            ("labels", "slugline.labels.Labels()"),
        ):
            if not callable(getattr(self, name)):
                raise InputError(f"{name}: found {getattr(self, name)!r:.80}; allowed: an object such as {example}")
        if not isinstance(self.features, Mapping):
            raise InputError(f"features: found {self.features!r:.80}; allowed: vectorizers by name, as {{'word': ...}}")
        for name, vectorizer in self.features.items():
            check_vectorizer(name, vectorizer)
            _check_ngram_range(f"features.{name}", getattr(vectorizer, "ngram_range", (1, 1)))
        if self.teacher is not None and not hasattr(self.teacher, "settings"):
            raise InputError(f"teacher: found {self.teacher!r:.80}; allowed: slugline.training.teaching.Teacher()")
        if self.context is not None and not hasattr(self.context, "weight"):
            example = "slugline.model.context_features.Neighbours()"
            raise InputError(f"context: found {self.context!r:.80}; allowed: {example}")
        if self.context is not None and self.teacher is not None:
            raise InputError(
                "context=neighbours: a teacher labels sentences alone; allowed: teacher=null, or context=off"
            )
        if not isinstance(self.evaluation, EvaluationSettings):
            raise InputError(f"evaluation: found {self.evaluation!r:.80}; allowed: an EvaluationSettings")
        if type(self.folds) is not int:
            raise InputError(f"folds: found {self.folds!r:.80}; allowed: a whole number from 2")


def _check_ngram_range(where: str, value: Any) -> None:
    """Raise `InputError` for what is no range of lengths, before any data is read."""
    numbers = list(value) if isinstance(value, tuple | list) else []
    if [type(number) for number in numbers] != [int, int] or not 1 <= numbers[0] <= numbers[1]:
        raise InputError(f"{where}.ngram_range: found {value!r}; allowed: two numbers from 1 on, in order")
