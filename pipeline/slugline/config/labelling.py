"""The settings of `slugline label` and `slugline review`."""

from dataclasses import dataclass, field
from typing import Any

from slugline.config.settings import ModelSettings
from slugline.data.opening import ReadOptions
from slugline.training.settings import COMPONENT


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """`slugline label`.

    Parameters
    ----------
    data : object
        The reader of articles or sentences.
    labels : object
        The labeller, with its rules.
    cache : object
        Where stages keep what they make.
    tracking : object
        Where the report on the rules is logged.
    codebook : str, optional
        A Markdown file: write the annotation guide to it.
    tasks : str, optional
        A file: write sentences that nobody has labelled to it, as tasks for annotators.
    annotations : str or list of str, optional
        Files from annotators: read what they said, and write all of the history together to `output`.
    format : str, optional
        label_studio, doccano, prodigy, argilla, csv or xlsx; by default what the ending of `tasks` says, or what the
        annotations look like.
    encoding : str, optional
        How the annotations are encoded, such as cp1252; by default their bytes tell.
    separator : str, optional
        What stands between the columns of annotations in CSV: a sign, or comma, semicolon, pipe, tab; by default it is
        found.
    size : int, optional
        The number of tasks, by default all; `slugline review` chooses those that teach a model most.
    order : str
        How tasks are drawn: `random`, whose scores speak for all sentences; `source` or `topic`, as many of each
        source, or of each topic that the rules suggest; or `first`.
    seed : int
        Seed of the draw.
    output : str
        The file for gold labels, JSON lines for `labels.gold=FILE`; labels of other sentences in it stay.
    history : str
        The file that keeps who said what of which sentence, and when; lines are only added.
    resolve : str
        How several annotators become one label: `majority`, topic by topic, or `adjudicated`.
    adjudicator : str, optional
        The annotator who decides ties, or with resolve=adjudicated everything.
    rename : str, list of str or dict of str to str, optional
        `OLD:NEW`, or `{OLD: NEW}`: change the name of a topic in the gold labels, their history and your taxonomy.
    merge : str, list of str or dict of str to list of str, optional
        `A+B:NEW`, or `{NEW: [A, B]}`: likewise make one topic of several; NEW may be one of them.
    drop : str or list of str, optional
        Topics: likewise take them out.
    name : str, optional
        The name of the run.
    allowed_modules : list of str
        Modules of your own whose classes `_target_` may name; also looked for beside the folder of `--config-dir`.
    """

    data: Any = field(metadata=COMPONENT)
    labels: Any = field(metadata=COMPONENT)
    cache: Any = field(metadata=COMPONENT)
    tracking: Any = field(metadata=COMPONENT)
    codebook: str | None = None
    tasks: str | None = None
    annotations: Any = None
    format: str | None = None
    encoding: str | None = None
    separator: str | None = None
    size: int | None = None
    order: str = "random"
    seed: int = 0
    output: str = "labels.jsonl"
    history: str = "annotations.jsonl"
    resolve: str = "majority"
    adjudicator: str | None = None
    rename: Any = None
    merge: Any = None
    drop: Any = None
    name: str | None = None
    allowed_modules: list[str] = field(default_factory=list)

    @property
    def reading(self) -> ReadOptions:
        """How the files of annotations are read."""
        return ReadOptions(encoding=self.encoding, separator=self.separator)


@dataclass(frozen=True, kw_only=True)
class ReviewSettings(ModelSettings):
    """`slugline review`.

    Parameters
    ----------
    data : object
        The reader of articles or sentences.
    labels : object
        The labeller; labels by its rules count as none, and the rules vote.
    features : object
        With what=errors: vectorizers by name, as in `slugline train`.
    model : object
        With what=errors: a classifier, as in `slugline train`.
    output : str
        A new file.
    what : str
        `queue`: sentences to label next; `errors`: labels by people that look wrong (needs `slugline[review]`).
    size : int
        The number of sentences.
    format : str, optional
        label_studio, doccano, prodigy, argilla, csv or xlsx; by default what the ending of the output says.
    previous_model_uri : str or list of str, optional
        Earlier models, from old to new: tells how much predictions still change, and when to stop.
    uncertainty : float
        Weight of sentences near a topic's threshold.
    disagreement : float
        Weight of sentences on which the rules contradict the model.
    rarity : float
        How much more rare topics may ask for: at 1.0 one that hardly any sentence has, twice as many.
    diversity : float
        How far apart sentences are at least, from each other and from labelled ones (1 - cosine); 0 does not look.
    seed : int
        With what=errors: seed of the folds and the model.
    folds : int
        With what=errors: number of folds of the cross-validation, by article.
    n_jobs : int
        With what=errors: threads that fit; -1 is all cores.
    allowed_modules : list of str
        Modules of your own whose classes `_target_` may name; also looked for beside the folder of `--config-dir`.
    """

    data: Any = field(metadata=COMPONENT)
    labels: Any = field(metadata=COMPONENT)
    features: Any = field(metadata=COMPONENT)
    model: Any = field(metadata=COMPONENT)
    output: str
    what: str = "queue"
    size: int = 100
    format: str | None = None
    previous_model_uri: Any = None
    uncertainty: float = 1.0
    disagreement: float = 0.25
    rarity: float = 0.0
    diversity: float = 0.2
    seed: int = 0
    folds: int = 5
    n_jobs: int = -1
    allowed_modules: list[str] = field(default_factory=list)
