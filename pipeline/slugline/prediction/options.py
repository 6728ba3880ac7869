"""The options of a prediction from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slugline.data.articles import article_columns
from slugline.data.cleaning import BOILERPLATE, DEFAULT_STEPS, STEPS, cleaning_steps
from slugline.data.languages import check_language
from slugline.errors import InputError
from slugline.prediction.batches import BatchLabeller
from slugline.prediction.records import output_ending


def _default_cleaning() -> dict[str, bool]:
    return {step: step in DEFAULT_STEPS for step in STEPS if step != BOILERPLATE}


@dataclass(frozen=True)
class PredictOptions:
    """What to read, how to label it, and where to write; the fields are the keys of `slugline predict`.

    Parameters
    ----------
    input : str, Path or sequence of these
        A file, a folder, a glob or several of these; `-` is standard input.
    output : str or Path, optional
        A file ending in `.jsonl`, `.csv` or `.parquet`; by default JSON lines go to standard output.
        Its columns, in this order: those of sentences, `published`, `source`, `title` and `url` of the article (empty
        where unknown), `topics`, a probability for each topic, and `explain` if asked for.
    format : {"text", "jsonl", "csv", "tsv", "parquet"}, optional
        Format of the input; by default that of the ending of each file.
    columns : mapping of str to str
        For article columns that the input names otherwise, the names there.
    split_sentences : bool
        Whether to split articles into sentences; with `false` each row is one sentence.
    encoding : str
        Encoding of the input.
    language : str, optional
        The language of articles that do not say theirs, a tag as `de` or `pt-BR` (BCP 47); by default their text tells.
    cleaning : mapping of str to bool
        Steps of cleaning to switch on or off, as `data.cleaning` of `slugline train`; boilerplate is not looked for.
    explain : int
        How many words explain each topic given, in a column `explain`; 0 for none.
    resume : bool
        Whether to keep the parts that a killed run left.
    n_jobs : int
        Number of worker processes; -1 is all cores.
    batch : int
        Characters of text that a worker labels at once.
    engine : {"local", "dask"}
        `local` for processes on this machine, or `dask`.
    dask_address : str, optional
        Address of a Dask scheduler; by default a cluster on this machine is started for the call.

    Examples
    --------
    >>> PredictOptions(input="articles.jsonl", output="topics.csv").engine
    'local'
    >>> PredictOptions(input="articles.jsonl", output="topics.xlsx")
    Traceback (most recent call last):
    slugline.errors.InputError: output: 'topics.xlsx' ends in '.xlsx'; allowed: .jsonl, .csv, .parquet
    """

    input: str | Path | Sequence[str | Path] = "-"
    output: str | Path | None = None
    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    split_sentences: bool = True
    encoding: str = "utf-8"
    language: str | None = None
    cleaning: Mapping[str, bool] = field(default_factory=_default_cleaning)
    explain: int = 0
    resume: bool = False
    n_jobs: int = -1
    batch: int = 1 << 20
    engine: str = "local"
    dask_address: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in ("local", "dask"):
            raise InputError(f"engine: unknown engine '{self.engine}'; allowed: local, dask")
        if self.dask_address and self.engine != "dask":
            raise InputError("dask_address: only engine=dask uses a cluster; give that too")
        check_language(self.language, "language")
        if self.n_jobs == 0:
            raise InputError("n_jobs: 0; allowed: a number of processes, -1 for all cores")
        if self.explain < 0:
            raise InputError(f"explain: {self.explain}; allowed: a number of words, 0 for none")
        if self.batch < 1:
            raise InputError(f"batch: {self.batch}; allowed: a number of characters")
        if self.resume and self.output is None:
            raise InputError("resume=true: only output to a file can be resumed; give output=FILE")
        self.labeller()  # checks the ending of the output, the columns and the cleaning

    def labeller(self) -> BatchLabeller:
        """Return the labeller of batches that these options describe."""
        ending = ".jsonl" if self.output is None else output_ending(Path(self.output))
        columns = article_columns(self.columns, "columns")
        steps = sorted(cleaning_steps(self.cleaning, "cleaning"))
        return BatchLabeller(columns, self.split_sentences, self.explain, ending, self.language, steps)
