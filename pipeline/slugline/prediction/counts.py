"""How many articles and sentences were read, labelled and rejected."""

import json
from dataclasses import astuple, dataclass

from slugline.data.schema import Rejected


@dataclass(frozen=True)
class PredictionCounts:
    """What became of the rows of an input; counts of several batches are added with `+`.

    Parameters
    ----------
    articles : int
        Rows that were read as articles and labelled.
    sentences : int
        Sentences of these articles, each a record of the output.
    debris : int
        Those of the sentences that are debris of a web page, which get no topic.
    rejected : int
        Rows that could not be read.
    first_rejected : Rejected or None
        The first of these, with the reason.

    Examples
    --------
    >>> PredictionCounts(articles=2, sentences=9) + PredictionCounts(articles=1, sentences=4, debris=1)
    PredictionCounts(articles=3, sentences=13, debris=1, rejected=0, first_rejected=None)
    """

    articles: int = 0
    sentences: int = 0
    debris: int = 0
    rejected: int = 0
    first_rejected: Rejected | None = None

    def __add__(self, later: "PredictionCounts") -> "PredictionCounts":
        return PredictionCounts(
            self.articles + later.articles,
            self.sentences + later.sentences,
            self.debris + later.debris,
            self.rejected + later.rejected,
            self.first_rejected or later.first_rejected,
        )

    def to_json(self) -> str:
        """Return the counts as one line of JSON: a list in the order of the fields."""
        return json.dumps(astuple(self))

    @classmethod
    def from_json(cls, line: str) -> "PredictionCounts":
        """Read what `to_json` wrote."""
        articles, sentences, debris, rejected, first_rejected = json.loads(line)
        return cls(articles, sentences, debris, rejected, Rejected(*first_rejected) if first_rejected else None)
