"""The options of a prediction from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slugline.data.articles import article_columns
from slugline.errors import InputError
from slugline.prediction.batches import BatchLabeller
from slugline.prediction.records import output_ending


@dataclass(frozen=True)
class PredictOptions:
    """What to read, how to label it, and where to write; the fields are the keys of `slugline predict`.

    Parameters
    ----------
    input
        A file, a folder, a glob or several of these; `-` is standard input.
    output
        A file ending in `.jsonl`, `.csv` or `.parquet`; None writes JSON lines to a stream.
    format
        Format of the input when its ending does not tell: text, jsonl, csv, tsv or parquet.
    columns
        Article columns whose names in the input differ.
    split_sentences
        Whether to split articles into sentences; False takes each row as one sentence.
    encoding
        Encoding of the input.
    explain
        How many terms explain each topic given, in a column `explain`; 0 for none.
    resume
        Whether to keep the parts that a killed run left.
    n_jobs
        Number of worker processes; -1 is all cores.
    batch
        Characters of text that a worker labels at once.
    engine
        `local` for processes on this machine, or `dask`.
    dask_address
        Address of a Dask scheduler; None starts a cluster on this machine for the call.

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
        if self.n_jobs == 0:
            raise InputError("n_jobs: 0; allowed: a number of processes, -1 for all cores")
        if self.explain < 0:
            raise InputError(f"explain: {self.explain}; allowed: a number of terms, 0 for none")
        if self.batch < 1:
            raise InputError(f"batch: {self.batch}; allowed: a number of characters")
        if self.resume and self.output is None:
            raise InputError("resume=true: only output to a file can be resumed; give output=FILE")
        self.labeller()  # checks the ending of the output and the columns

    def labeller(self) -> BatchLabeller:
        """Return what labels a batch as these options ask for."""
        ending = ".jsonl" if self.output is None else output_ending(Path(self.output))
        return BatchLabeller(article_columns(self.columns, "columns"), self.split_sentences, self.explain, ending)
