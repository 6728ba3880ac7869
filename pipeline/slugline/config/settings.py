"""The settings of commands: every option, its default, and what `--help` says of it; `schemas.py` lists all."""

from dataclasses import dataclass, field
from typing import Any

from slugline.config.project_reading import project_cleaning, project_columns
from slugline.data.articles import ArticleOptions
from slugline.project import default_champion, default_name
from slugline.training.settings import COMPONENT


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """The store that a command uses.

    Parameters
    ----------
    tracking_uri : str, optional
        URI of the MLflow store; by default `MLFLOW_TRACKING_URI`, else `experiments/mlflow.db`.
    """

    tracking_uri: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelSettings(StoreSettings):
    """The model that a command uses.

    Parameters
    ----------
    model_uri : str
        `models:/NAME@ALIAS`, `models:/NAME/VERSION`, `runs:/RUN_ID/model` or a model folder.
    """

    model_uri: str = field(default_factory=default_champion)


@dataclass(frozen=True, kw_only=True)
class ExportSettings(ModelSettings):
    """`slugline export`.

    Parameters
    ----------
    output : str
        The file to write; it takes the place of an exported model of before, never of anything else.
    format : str, optional
        `sklearn` (joblib) or `skops`; by default what the ending of the output says: `.skops`, or `.joblib`, `.pkl` or
        `.pickle`.
    """

    output: str
    format: str | None = None


@dataclass(frozen=True, kw_only=True)
class CompareSettings(StoreSettings):
    """`slugline compare`.

    Parameters
    ----------
    tracking : object
        Where the comparison is logged.
    runs : list of str
        Runs, the first of which is compared with each of the others: ids or how they begin, names, versions of the
        registered model, `models:/NAME/VERSION`, `models:/NAME@ALIAS` or `runs:/ID/model`.
    experiment_name : str, optional
        In place of runs: an experiment, whose last runs are compared; may be given as `experiment=NAME`.
    last : int
        The number of its runs, from 2.
    force : bool
        Compare runs that were tested on different data on the sentences that they share.
    name : str, optional
        The name of the run that the comparison becomes.
    """

    tracking: Any = field(metadata=COMPONENT)
    runs: list[str] = field(default_factory=list)
    experiment_name: str | None = None
    last: int = 5
    force: bool = False
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class PromoteSettings(StoreSettings):
    """`slugline promote`.

    Parameters
    ----------
    data : object, optional
        The reader of the articles or sentences to judge on; by default that of the candidate's run.
    labels : object, optional
        The labeller; by default that of the candidate's run.
    split : object, optional
        The splitter; by default that of the candidate's run.
    cache : object
        Where stages keep what they make.
    gate : Gate
        What a version must be to become the champion.
    version : str, optional
        The version to judge; by default the newest.
    part : str, optional
        The part to judge on; `all` is every sentence. Sentences that either model was trained on are left out.
        `cross_validated` judges by what the runs predicted for the sentences that both cross-validated: the default
        where the candidate's run was judged so and no data is given, else `test`.
    rollback : bool
        Give the alias back to the version that had it before.
    registered_model : str
        The name of the registered model.
    alias : str
        The alias of the version in use.
    seed : int
        Seed of the split.
    allowed_modules : list of str
        Modules of your own whose classes `_target_` may name; also looked for beside the folder of `--config-dir`.
    """

    data: Any = field(default=None, metadata=COMPONENT)
    labels: Any = field(default=None, metadata=COMPONENT)
    split: Any = field(default=None, metadata=COMPONENT)
    cache: Any = field(metadata=COMPONENT)
    gate: Any = field(metadata={"settings": "slugline.promotion.Gate"})
    version: str | None = None
    part: str | None = None
    rollback: bool = False
    registered_model: str = field(default_factory=default_name)
    alias: str = "champion"
    seed: int = 0
    allowed_modules: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ReproduceSettings(StoreSettings):
    """`slugline reproduce`.

    Parameters
    ----------
    run_id : str
        The run to train again, by its id or how that begins, its name, or its model as in `slugline compare`.
    details : bool
        Print all metrics, not only means and what differs.
    allowed_modules : list of str
        Modules, beside slugline and sklearn, that the run's config may name.
    """

    run_id: str
    details: bool = False
    allowed_modules: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MonitorSettings(ModelSettings, ArticleOptions):
    """`slugline monitor`.

    Parameters
    ----------
    tracking : object
        Where the report is logged.
    input : str or list of str
        A file, a folder, a glob or several of these.
    period : str, optional
        Period of the counts: day, week, month, quarter or year; by default the finest that gives at most 31.
    prevalence : str
        How counts are corrected for the model's errors: difference, or adjusted (adjusted classify-and-count).
    columns : dict of str to str
        The name in the files for each article column; other usual names are found; only text must be there. In a
        project by default as in its data, and so are the options of reading below, the language and the cleaning.
    name : str, optional
        The name of the run.
    """

    tracking: Any = field(metadata=COMPONENT)
    input: Any
    period: str | None = None
    prevalence: str = "difference"
    columns: dict[str, str] = field(default_factory=project_columns)
    cleaning: dict[str, bool] = field(default_factory=project_cleaning)
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class LogSettings(StoreSettings):
    """`slugline log`.

    Parameters
    ----------
    folder : str
        The folder of a finished run; `folder=` may be left out.
    """

    folder: str


@dataclass(frozen=True, kw_only=True)
class UiSettings(StoreSettings):
    """`slugline ui`.

    Parameters
    ----------
    host : str
        The address to listen at.
    port : int
        The port to listen at.
    experiment_name : str
        The experiment that the first page shows, by default named like the project; may be given as `experiment=NAME`.
    open : bool
        Open that page in a browser.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    experiment_name: str = field(default_factory=default_name)
    open: bool = False
