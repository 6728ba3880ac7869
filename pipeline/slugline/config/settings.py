"""The settings of each command but `train`: every option, its default, and the text that `--help` shows for it."""

from dataclasses import MISSING, dataclass, field
from typing import Any

from slugline.components import option
from slugline.data.schema import ARTICLE_COLUMNS

CHAMPION = "models:/slugline@champion"
MODEL_URI = "or models:/NAME/VERSION, runs:/RUN_ID/model, a model folder"
STORE = "of the MLflow store; else MLFLOW_TRACKING_URI, else experiments/mlflow.db"
FORMATS = "of the input where its ending does not tell: text, jsonl, csv, tsv, parquet"
COLUMNS = "article column: its name in the files; only text must be there"
ALLOWED_MODULES = "modules beside slugline and sklearn whose classes `_target_` may name"


def component() -> Any:
    """Return a field that a group of the config fills."""
    return field(metadata={"component": True})


def required(text: str) -> Any:
    """Return a field that has no default, with its help text."""
    return field(default=MISSING, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """`slugline predict`."""

    model_uri: str = option(CHAMPION, MODEL_URI)
    input: Any = option("-", "a file, folder, glob or list of these; - is standard input")
    output: str | None = option(None, "a file that ends in .jsonl, .csv or .parquet; else standard output")
    format: str | None = option(None, FORMATS)
    columns: dict[str, str] = option({name: name for name in ARTICLE_COLUMNS}, COLUMNS)
    split_sentences: bool = option(True, "false: each row is one sentence already")
    encoding: str = option("utf-8", "of the input")
    tracking_uri: str | None = option(None, STORE)
    explain: int = option(0, "5: the five terms that moved each topic given, as a column `explain`")
    resume: bool = option(False, "true: take up a run that was killed where it stopped")
    n_jobs: int = option(-1, "processes for large inputs; -1: all cores")
    batch: int = option(1 << 20, "characters of text that a process labels at once; fewer need less memory")
    engine: str = option("local", "dask: the workers of a Dask cluster label; needs slugline[dask]")
    dask_address: str | None = option(None, "of its scheduler, tcp://HOST:8786; else n_jobs processes here")


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """`slugline export`."""

    output: str = required("a file")
    model_uri: str = option(CHAMPION, MODEL_URI)
    format: str = option("sklearn", "or skops")
    tracking_uri: str | None = option(None, STORE)


@dataclass(frozen=True, kw_only=True)
class ReviewSettings:
    """`slugline review`."""

    data: Any = component()
    labels: Any = component()
    features: Any = component()
    model: Any = component()
    output: str = required("a new file")
    what: str = option("queue", "or errors: labels by people that look wrong; needs slugline[review]")
    size: int = option(100, "sentences")
    format: str | None = option(None, "label_studio, doccano, prodigy, argilla, csv, xlsx; else by the ending")
    model_uri: str = option(CHAMPION, MODEL_URI)
    previous_model_uri: Any = option(None, "one or a list, from old to new: tells how much predictions still change")
    uncertainty: float = option(1.0, "weight of sentences near a topic's threshold")
    disagreement: float = option(0.25, "weight of sentences on which the rules contradict the model")
    rarity: float = option(0.0, "1.0: a topic that hardly any sentence has may ask for up to twice as many")
    diversity: float = option(0.2, "how far apart sentences are at least (1 - cosine); 0: as they come")
    seed: int = option(0, "what=errors: of the folds and the model")
    folds: int = option(5, "what=errors: of the cross-validation, by article")
    n_jobs: int = option(-1, "what=errors: threads that fit; -1: all cores")
    tracking_uri: str | None = option(None, STORE)
    allowed_modules: list[str] = option([], ALLOWED_MODULES)


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """`slugline label`."""

    data: Any = component()
    labels: Any = component()
    cache: Any = component()
    tracking: Any = component()
    codebook: str | None = option(None, "FILE.md: write the annotation guide")
    tasks: str | None = option(None, "FILE: write sentences that nobody has labelled, as tasks for annotators")
    annotations: Any = option(None, "FILES: read what annotators said, and write all of the history to `output`")
    format: str | None = option(None, "label_studio, doccano, prodigy, argilla, csv, xlsx")
    size: int | None = option(None, "of tasks; null: all. Which sentences are worth most: slugline review")
    output: str = option("labels.jsonl", "gold labels, for labels=gold labels.gold=labels.jsonl")
    history: str = option("annotations.jsonl", "who said what of which sentence, and when; lines are only added")
    merge: str = option("majority", "of several annotators, topic by topic; or adjudicated")
    adjudicator: str | None = option(None, "who decides ties, or with merge=adjudicated everything")
    name: str | None = option(None, "of the run")
    allowed_modules: list[str] = option([], ALLOWED_MODULES)


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """`slugline compare`."""

    tracking: Any = component()
    runs: list[str] = option([], "ids of runs")
    experiment_name: str | None = option(None, "or an experiment, whose last runs are compared; `experiment=`")
    last: int = option(5, "how many of its runs")
    force: bool = option(False, "true: runs tested on different data are compared on the sentences they share")
    tracking_uri: str | None = option(None, STORE)
    name: str | None = option(None, "of the run that the comparison becomes")


@dataclass(frozen=True, kw_only=True)
class PromoteSettings:
    """`slugline promote`."""

    data: Any = component()
    labels: Any = component()
    split: Any = component()
    cache: Any = component()
    gate: Any = field(metadata={"settings": "slugline.promotion.Gate"})
    version: str | None = option(None, "of the registered model; null: the newest")
    part: str = option("test", "of the split, on which neither model was trained; all: every sentence")
    rollback: bool = option(False, "true: the alias goes back to the version that had it before")
    registered_model: str = option("slugline", "its name")
    alias: str = option("champion", "of the version in use")
    seed: int = option(0, "of the split")
    tracking_uri: str | None = option(None, STORE)
    allowed_modules: list[str] = option([], ALLOWED_MODULES)


@dataclass(frozen=True, kw_only=True)
class ReproduceSettings:
    """`slugline reproduce`."""

    run_id: str = required("the run")
    tracking_uri: str | None = option(None, STORE)
    allowed_modules: list[str] = option([], "modules beside slugline and sklearn that the run's config may name")


@dataclass(frozen=True, kw_only=True)
class MonitorSettings:
    """`slugline monitor`."""

    tracking: Any = component()
    input: Any = required("a file, folder, glob or list of these")
    model_uri: str = option(CHAMPION, MODEL_URI)
    period: str | None = option(None, "of the counts: day, week, month, quarter, year; null: by the dates")
    prevalence: str = option("difference", "how counts are corrected for the model's errors; or adjusted")
    format: str | None = option(None, FORMATS)
    columns: dict[str, str] = option({name: name for name in ARTICLE_COLUMNS}, COLUMNS)
    encoding: str = option("utf-8", "of the input")
    tracking_uri: str | None = option(None, STORE)
    name: str | None = option(None, "of the run")


@dataclass(frozen=True, kw_only=True)
class UiSettings:
    """`slugline ui`."""

    host: str = option("127.0.0.1", "where it listens")
    port: int = option(5000, "where it listens")
    tracking_uri: str | None = option(None, STORE)
