"""The options of a prediction from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slugline.data.articles import ArticleOptions, article_columns
from slugline.data.cleaning import BOILERPLATE, cleaning_steps
from slugline.data.languages import check_language
from slugline.errors import InputError
from slugline.prediction.batches import BatchLabeller
from slugline.prediction.records import output_ending


@dataclass(frozen=True)
class PredictOptions(ArticleOptions):
    """What to read, how to label it, and where to write; the fields are the keys of `slugline predict`.

    Parameters
    ----------
    input : str, Path or sequence of these
        A file, a folder, a glob, a URL such as `s3://bucket/*.jsonl`, or several of these; `-` is standard input.
    output : str or Path, optional
        A file ending in `.jsonl`, `.csv` or `.parquet`; by default JSON lines go to standard output.
        It takes the place of predictions of before, never of anything else.
        Its columns, in this order: those of sentences, `published`, `source`, `title` and `url` of the article (empty
        where unknown), `topics`, a probability for each topic, and `explain` if asked for.
    columns : mapping of str to str
        For article columns that the input names otherwise, the names there.
    cleaning : dict of str to bool
        Steps of cleaning to switch on or off, as `data.cleaning` of `slugline train`, but for `boilerplate`.
    split_sentences : bool
        Whether to split articles into sentences; with `false` each row is one sentence.
    explain : int
        How many words explain each topic given, in a column `explain`; 0 for none.
    csv_formulas : {"guard", "keep"}
        With `guard`, an apostrophe goes before text in CSV that a spreadsheet would run as a formula, as in `'=1+1`;
        Slugline takes it off when it reads the file. With `keep`, for machines, text stays as it is.
    resume : bool
        Whether to keep the parts that a killed run left; `on_error` may be another than then, nothing else.
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
    columns: Mapping[str, str] = field(default_factory=dict)
    split_sentences: bool = True
    explain: int = 0
    csv_formulas: str = "guard"
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
        if self.csv_formulas not in ("guard", "keep"):
            raise InputError(f"csv_formulas: '{self.csv_formulas}'; allowed: guard, keep")
        if self.resume and self.output is None:
            raise InputError("resume=true: only output to a file can be resumed; give output=FILE")
        self.labeller()  # checks the ending of the output, the columns and the cleaning
        if self.cleaning.get(BOILERPLATE):
            raise InputError(
                "cleaning.boilerplate=true: lines that repeat are learnt by training alone; allowed: false"
            )

    def labeller(self) -> BatchLabeller:
        """Return the labeller of batches that these options describe."""
        ending = ".jsonl" if self.output is None else output_ending(Path(self.output))
        columns, guard = article_columns(self.columns, "columns"), self.csv_formulas == "guard"
        steps = sorted(cleaning_steps(self.cleaning, "cleaning"))
        return BatchLabeller(columns, self.split_sentences, self.explain, ending, guard, self.language, steps)
