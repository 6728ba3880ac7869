"""Slugline: topic models for the sentences of news articles.

The public door. Everything is imported when it is first used, so `import slugline` is quick.

>>> import slugline
>>> slugline.split("The truce held. Talks go on.")[1].text
'Talks go on.'
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from slugline.data.schema import Article, Sentence
    from slugline.errors import InputError
    from slugline.model import TopicModel
    from slugline.training.run import TrainingRun
    from slugline.training.scores import ModelScores
    from slugline.training.settings import TrainSettings

__version__ = "0.1.0"
__all__ = [
    "InputError",
    "TopicModel",
    "TrainSettings",
    "__version__",
    "evaluate",
    "load_model",
    "predict",
    "project_settings",
    "split",
    "train",
]

_LATE = {
    "InputError": "slugline.errors",
    "TopicModel": "slugline.model",
    "TrainSettings": "slugline.training.settings",
}


def train(settings: "TrainSettings | None" = None, **options: Any) -> "TrainingRun":
    """Train a topic model, evaluate it, and record the run in MLflow, as `slugline train` does.

    Parameters
    ----------
    settings : TrainSettings, optional
        What to train; by default the project in the current folder (see `project_settings`), and
        elsewhere the sample that ships with Slugline.
    **options
        In place of settings, some of their fields by name: `data, labels, split, features, model, threshold,
        context, evaluation, cache, tracking, name, seed, folds, n_jobs, plots`; see `TrainSettings`.

    Returns
    -------
    TrainingRun
        With the model, its scores, the dataset, and where all of it was recorded.

    Raises
    ------
    InputError
        For settings or data that cannot be trained on, in a sentence.

    Examples
    --------
    >>> import slugline
    >>> from slugline.tracking import Off
    >>> run = slugline.train(tracking=Off(), plots=False, folds=2)
    >>> len(run.model.topics), 0.5 < run.metrics["test/f1_macro"] < 1
    (15, True)
    """
    from dataclasses import replace

    from slugline.project import PROJECT_FILE
    from slugline.training.settings import TrainSettings
    from slugline.workflow import train as train_model

    if settings is not None and options:
        raise TypeError("give either settings or their fields by name")
    if settings is None:
        settings = replace(project_settings(), **options) if PROJECT_FILE.is_file() else TrainSettings(**options)
    return train_model(settings)


def project_settings(*overrides: str) -> "TrainSettings":
    """Return what `slugline train` would train in the current folder, a project made by `slugline new`.

    Parameters
    ----------
    *overrides : str
        What would follow on the command line: `"experiment=gold"`, `"model.C=0.3"`.

    Returns
    -------
    TrainSettings
        To be given to `train`, as it is or with `dataclasses.replace`. Where there is no project, the settings of the
        sample.

    Raises
    ------
    InputError
        For a mistake in an override or in the project's YAML files.

    Examples
    --------
    >>> import slugline
    >>> slugline.project_settings("seed=1", "folds=3").folds
    3
    """
    from slugline.config.build import CONFIG_ERRORS, describe_error
    from slugline.config.launch import compose_settings
    from slugline.errors import InputError

    try:
        settings: TrainSettings = compose_settings("train", overrides)
    except CONFIG_ERRORS as error:
        raise InputError(describe_error(error)) from error
    return settings


def load_model(source: str | Path, tracking_uri: str | None = None) -> "TopicModel":
    """Load a topic model; no code from the model runs.

    Parameters
    ----------
    source : str or Path
        A model folder, which is read without importing MLflow or scikit-learn, or an MLflow URI:
        `models:/slugline@champion`, `models:/slugline/3`, `runs:/RUN_ID/model`.
    tracking_uri : str, optional
        Of the MLflow store; by default `MLFLOW_TRACKING_URI`, else the store in `experiments/`.

    Raises
    ------
    InputError
        When there is no such model, or its files do not pass the checks.
    """
    from slugline.model import load_model as load
    from slugline.tracking import model_folder

    return load(model_folder(str(source), tracking_uri))


def predict(
    model: "TopicModel | str | Path",
    articles: "Iterable[str | Mapping[str, Any] | Article] | pd.DataFrame",
    *,
    split_sentences: bool = True,
) -> "pd.DataFrame":
    """Label the sentences of articles.

    Parameters
    ----------
    model : TopicModel, str or Path
        A model, or where one is; see `load_model`.
    articles : iterable of str, mapping or Article, or DataFrame
        Texts; or mappings or rows with `text` and any other article columns.
    split_sentences : bool
        Whether to split articles into sentences; False takes each as one sentence.

    Returns
    -------
    DataFrame
        A row per sentence: the sentence columns; `published`, `source`, `title` and `url` of the article, None where
        unknown; `topics`; and the probability of each topic. What `slugline predict` writes for the same articles.

    Raises
    ------
    InputError
        For an article without a text.

    See Also
    --------
    slugline.prediction.predict_files : The same for files of any size, on all cores.
    """
    from slugline.prediction import predict_articles

    loaded = load_model(model) if isinstance(model, str | Path) else model
    if not hasattr(loaded, "predict_proba") or not hasattr(loaded, "topics"):
        raise TypeError(f"model: found {model!r:.80}; allowed: a TopicModel, or where one is")
    return predict_articles(loaded, articles, split_sentences=split_sentences)


def evaluate(model: "TopicModel | str | Path", data: Any, labels: Any) -> "ModelScores":
    """Score a model on labelled sentences that it was not trained on.

    Parameters
    ----------
    model : TopicModel, str or Path
        A model, or where one is; see `load_model`.
    data : callable
        A reader such as `slugline.data.ArticleCorpus("FOLDER")`.
    labels : Labels
        A labeller such as `slugline.labels.Labels(gold="labels.jsonl")`.

    Returns
    -------
    ModelScores
        Precision, recall, F1 and average precision of each topic, with 95 % intervals.

    Raises
    ------
    InputError
        When nothing is labelled, or with topics that the model does not know.
    """
    from slugline.training.scores import score_model

    return score_model(load_model(model) if isinstance(model, str | Path) else model, data, labels)


def split(text: str) -> "list[Sentence]":
    """Split an article into sentences.

    Parameters
    ----------
    text : str
        The article.

    Returns
    -------
    list of Sentence
        With `start` and `end`, so that `sentence.text == text[sentence.start:sentence.end]`; `debris` marks what no
        person wrote as news, such as `Post a Comment`.

    Examples
    --------
    >>> import slugline
    >>> [sentence.text for sentence in slugline.split("Mr. Smith left. He was tired.")]
    ['Mr. Smith left.', 'He was tired.']
    """
    from slugline.data.sentences import split_text

    if not isinstance(text, str):
        raise TypeError(f"text: found {text!r:.80}; allowed: the text of an article, a str")
    return split_text(text)


def __getattr__(name: str) -> Any:
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'slugline' has no attribute {name!r}")
