"""Records of predictions: one a sentence, as rows of JSON lines, CSV or Parquet, or as a pandas frame."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slugline.data.schema import ABOUT_COLUMNS, PREDICTION_COLUMNS, SENTENCE_COLUMNS, Article, Sentence
from slugline.errors import InputError, listing
from slugline.files import to_json, to_json_lines
from slugline.spreadsheets import to_csv

if TYPE_CHECKING:
    import pandas as pd

_ENDINGS = (".jsonl", ".csv", ".parquet")
# A lone surrogate is written as \udc80: what JSON calls it, and something that UTF-8 can hold
_ENCODE_ERRORS = "backslashreplace"

_About = tuple[str | None, ...]  # the cells of `ABOUT_COLUMNS`
_Explanation = Mapping[str, Mapping[str, float]]  # for each topic of a sentence the terms that moved it most


class Predictions(NamedTuple):
    """Labelled sentences, ready to be written as records.

    The columns are those of sentences, then what is known about their article (`ABOUT_COLUMNS`, None where unknown),
    `topics`, and a probability for each topic. `articles` are those of the sentences, one for each.

    `topics` are all of the model, `sentence_topics` those given to each sentence, thresholds applied; `probabilities`
    have shape (sentences, topics). `explanations` are None when they were not asked for.
    """

    topics: tuple[str, ...]
    sentences: Sequence[Sentence]
    articles: Sequence[Article]
    sentence_topics: Sequence[tuple[str, ...]]
    probabilities: np.ndarray
    explanations: Sequence[_Explanation] | None = None

    def to_records(self) -> Iterator[dict[str, Any]]:
        """Yield a record per sentence."""
        for number, (about, row) in enumerate(zip(self._about(), self.probabilities.tolist(), strict=True)):
            record: dict[str, Any] = self.sentences[number]._asdict()
            record |= zip(ABOUT_COLUMNS, about, strict=True)
            record |= {"topics": list(self.sentence_topics[number])}
            record |= zip(self.topics, row, strict=True)
            yield record if self.explanations is None else record | {"explain": self.explanations[number]}

    def to_frame(self) -> "pd.DataFrame":
        """Return a frame: the columns of sentences and articles, `topics` (tuples), and probabilities per topic."""
        import pandas as pd

        frame = pd.DataFrame(self.sentences, columns=list(SENTENCE_COLUMNS))
        frame = frame.join(pd.DataFrame(self._about(), columns=list(ABOUT_COLUMNS), dtype=object))
        tuples: list[Any] = list(self.sentence_topics)
        frame["topics"] = pd.Series(tuples, dtype=object)
        return frame.join(pd.DataFrame(self.probabilities, columns=list(self.topics)))

    def encode(self, ending: str, guard: bool = True) -> bytes:
        """Return the content of a file with an ending; CSV without its first line, see `csv_header`.

        With `guard`, an apostrophe goes before text in CSV that a spreadsheet would run as a formula.
        """
        if ending == ".parquet":
            return _encode_parquet(self)
        if ending == ".jsonl":
            return to_json_lines(self.to_records())
        as_list = needs_lists(self.topics)
        return _encode_csv((_to_cells(record, as_list) for record in self.to_records()), guard)

    def _about(self) -> list[_About]:
        """Return for each sentence what is known about its article."""
        return list(map(attrgetter(*ABOUT_COLUMNS), self.articles))


def output_ending(output: Path) -> str:
    """Return the ending of an output file; raise `InputError` for one that cannot be written."""
    if output.suffix not in _ENDINGS:
        raise InputError(f"output: '{output}' ends in '{output.suffix}'; allowed: {listing(_ENDINGS)}")
    return output.suffix


def check_topics(topics: Sequence[str]) -> None:
    """Raise `InputError` for a topic that cannot be a column, by its name or its encoding."""
    uses = Counter(_column_names(topics, explained=True))
    if clashing := [topic for topic in topics if uses[topic] > 1]:
        raise InputError(
            f"the model has a topic '{clashing[0]}', and predictions a column of that name; rename the topic"
        )
    if not_utf8 := [topic for topic in topics if topic != topic.encode(errors=_ENCODE_ERRORS).decode()]:
        raise InputError(f"topic {not_utf8[0]!r} cannot be encoded in UTF-8; rename the topic")


def csv_header(topics: Sequence[str], explained: bool, guard: bool = True) -> bytes:
    """Return the first line of a CSV file of predictions."""
    return _encode_csv([_column_names(topics, explained)], guard)


def parquet_schema(topics: Sequence[str], explained: bool) -> Any:
    """Return the Arrow schema of a Parquet file of predictions."""
    import pyarrow as pa

    arrow_types = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    fields = [(name, arrow_types[python_type]) for name, python_type in Sentence.__annotations__.items()]
    fields += [(name, pa.string()) for name in ABOUT_COLUMNS]
    fields.append(("topics", pa.list_(pa.string())))
    fields += [(topic, pa.float64()) for topic in topics]
    if explained:
        fields.append(("explain", pa.string()))
    return pa.schema(fields)


def _column_names(topics: Sequence[str], explained: bool) -> list[str]:
    """Return the columns of a file of predictions."""
    return [*PREDICTION_COLUMNS, *topics, *(["explain"] if explained else [])]


def needs_lists(topics: Sequence[str]) -> bool:
    """Tell whether the topics of a sentence stand in CSV as a JSON list, since one of the model's names has a comma.

    So does a name that begins like such a list; in any other file a cell has the topics with commas between.

    Examples
    --------
    >>> needs_lists(["truce", "law & order"]), needs_lists(["truce", "riot, looting"])
    (False, True)
    """
    return any("," in topic or topic.startswith("[") for topic in topics)


def _to_cells(record: dict[str, Any], as_list: bool) -> list[Any]:
    """Return the cells of a record in CSV: topics separated by commas or as JSON, explanations as JSON."""
    cells = record | {"topics": to_json(record["topics"]) if as_list else ",".join(record["topics"])}
    return [to_json(cell) if isinstance(cell, dict) else cell for cell in cells.values()]


def _encode_csv(rows: Iterable[Sequence[Any]], guard: bool) -> bytes:
    """Return rows as CSV in UTF-8, formulas guarded or not."""
    return (to_csv(rows) if guard else to_csv(rows, lambda cell: cell)).encode(errors=_ENCODE_ERRORS)


def _encode_parquet(predictions: Predictions) -> bytes:
    """Return predictions as a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    columns: list[Any] = [*zip(*predictions.sentences, strict=True)] or [() for _ in SENTENCE_COLUMNS]
    columns += [*zip(*predictions._about(), strict=True)] or [() for _ in ABOUT_COLUMNS]
    columns.append([list(topics) for topics in predictions.sentence_topics])
    columns += [*predictions.probabilities.T]
    if predictions.explanations is not None:
        columns.append([to_json(explanation) for explanation in predictions.explanations])

    schema = parquet_schema(predictions.topics, predictions.explanations is not None)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]

    stream = io.BytesIO()
    parquet.write_table(pa.table(arrays, schema=schema), stream)
    return stream.getvalue()
