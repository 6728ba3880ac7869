"""The corpus: articles and their sentences as frames, read whole or in chunks."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from slugline.cache import Values
from slugline.data.articles import ArticleOptions, read_articles
from slugline.data.boilerplate import find_boilerplate
from slugline.data.cleaning import BOILERPLATE, DEFAULT_STEPS, cleaning_steps
from slugline.data.collecting import in_chunks, read_all, stop_at_rejected
from slugline.data.input_files import NamedFile, find_files
from slugline.data.languages import check_language, find_language, primary_language
from slugline.data.opening import sibling_key
from slugline.data.read_files import ReadFile
from slugline.data.readers import describe_reading
from slugline.data.schema import ARTICLE_COLUMNS, GROUP_COLUMNS, SENTENCE_COLUMNS, Article, Rejected
from slugline.data.sentences import split_article
from slugline.errors import InputError, listing

_BUILT_IN_COLUMNS = sorted(
    {*ARTICLE_COLUMNS, *SENTENCE_COLUMNS, *GROUP_COLUMNS}
    | {"labels", "label_source", "weights", "period", "length", "place"}
)


class Corpus(NamedTuple):
    """Articles, and their sentences where these came ready made.

    `articles` has the columns `ARTICLE_COLUMNS` and those that `keep` names; `ready_sentences` has `SENTENCE_COLUMNS`,
    `labels` and maybe `split`, or is None where the articles are to be split; `rejected` are the files and rows that
    could not be read; `notes` say how the files were understood, and `decided` are options of the reader that make it
    understand them so again; `files` are those that were read, and how. `steps` of cleaning mark debris; `cleaned` has
    the ids of the articles whose text a step changed.
    """

    articles: pd.DataFrame
    ready_sentences: pd.DataFrame | None
    rejected: list[Rejected]
    notes: Sequence[str] = ()
    decided: Mapping[str, Any] = MappingProxyType({})
    files: Sequence[ReadFile] = ()
    steps: Set[str] = DEFAULT_STEPS
    cleaned: Mapping[str, list[str]] = MappingProxyType({})

    def all_notes(self) -> list[str]:
        """Return how the files were read and understood, a line for each kind."""
        return describe_reading(self.files, self.notes, self.rejected)

    def with_files(self, files: Iterable[Sequence[Any]]) -> "Corpus":
        """Return the corpus with further files that were read, as the fields of `ReadFile`."""
        return self._replace(files=[*self.files, *(ReadFile(*file) for file in files)])

    def sentences(self) -> pd.DataFrame:
        """Return the sentences, split from the articles if need be, with what is known about their article."""
        ready = self.ready_sentences
        sentences = ready if ready is not None else split_articles(self.articles, self.steps)
        about = self.articles.drop(columns=["text", "url"])
        return sentences.merge(about, on="article_id", how="left", validate="many_to_one")

    def to_values(self) -> Values:
        """Return the corpus as what the cache can store: frames, and what JSON holds."""
        ready = {} if self.ready_sentences is None else {"ready": self.ready_sentences}
        told = {"notes": list(self.notes), "decided": dict(self.decided), "files": list(self.files)}
        told |= {"steps": sorted(self.steps), "cleaned": dict(self.cleaned)}
        return {"articles": self.articles, "rejected": self.rejected, **told, **ready}

    @classmethod
    def from_frame(cls, articles: pd.DataFrame) -> "Corpus":
        """Return the corpus of a frame of articles, as your own reader returns it.

        Parameters
        ----------
        articles : DataFrame
            A row for each article: text in `article_id` (unique) and `text`, and in any other of `ARTICLE_COLUMNS`.
            Further columns are kept: the sentences carry them too.

        Raises
        ------
        InputError
            For a missing or built-in column, a repeated `article_id`, or a cell that is not text.

        Examples
        --------
        >>> corpus = Corpus.from_frame(pd.DataFrame({"article_id": ["a"], "text": ["The truce held. Rain fell."]}))
        >>> corpus.sentences()["text"].tolist()
        ['The truce held.', 'Rain fell.']
        """
        _check_article_frame(articles)
        unknown = [name for name in ARTICLE_COLUMNS if name not in articles]
        further = [name for name in articles if name not in ARTICLE_COLUMNS]
        complete = articles.assign(**dict.fromkeys(unknown))[[*ARTICLE_COLUMNS, *further]].reset_index(drop=True)
        languages = [_language(*cells) for cells in zip(complete["language"], complete["text"], strict=True)]
        return cls(complete.assign(language=pd.Series(languages, dtype=object)), None, [])

    @classmethod
    def from_values(cls, values: Values) -> "Corpus":
        """Return the corpus of `to_values`."""
        rejected = [Rejected(*item) for item in values["rejected"]]
        told = {name: values[name] for name in ("notes", "decided", "cleaned")}
        corpus = cls(values["articles"], values.get("ready"), rejected, steps=frozenset(values["steps"]), **told)
        return corpus.with_files(values["files"])


@dataclass(frozen=True)
class ArticleCorpus(ArticleOptions):
    """Articles from files, to be split into sentences (`data=articles`).

    Parameters
    ----------
    path : str, Path or list of these
        A file, a folder, a glob, a URL such as `s3://bucket/*.jsonl`, `-` for standard input, or a list of these.
    columns : dict of str to str
        Article columns and their names in the files; other usual names (body, headline, date) are found. Only `text`
        must be there.
    keep : list of str
        Further columns of the files, which the sentences carry too.
    chunk_rows : int, optional
        How many articles to hold in memory at a time; None: all.
    """

    key: ClassVar[str] = "data.path"  # what error messages call the path

    path: Any
    columns: dict[str, str] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)
    chunk_rows: int | None = None

    def files(self) -> list[NamedFile]:
        """Return the files that are read, each with its name."""
        return find_files(self.path, self, key=self.key)

    def __call__(self) -> Corpus:
        """Read the articles; raise `InputError` when there are none."""
        opened: list[ReadFile] = []
        cleaned: dict[str, list[str]] = {}
        corpus = self._corpus(*read_all(self._articles(opened, cleaned), "article", self.key), opened)
        check_kept_columns(corpus.articles, self.keep)
        return corpus._replace(cleaned=cleaned)

    def chunks(self) -> Iterator[Corpus]:
        """Yield the articles `chunk_rows` at a time; raise `InputError` when there are none.

        What cleaning changed in the article that is read ahead, the first of the next chunk, is told with this one.
        """
        opened: list[ReadFile] = []
        cleaned: dict[str, list[str]] = {}
        stream = self._articles(opened, cleaned)
        for articles, rejected in in_chunks(stream, self.chunk_rows or 1, "article", lambda article: article):
            yield self._corpus(articles, rejected, opened)._replace(cleaned=dict(cleaned))
            cleaned.clear()

    def _corpus(self, articles: list[Article], rejected: list[Rejected], opened: list[ReadFile]) -> Corpus:
        """Make a corpus, with a column for each of those kept."""
        told = [
            article._replace(language=_language(article.language or self.language, article.text))
            for article in articles
        ]
        rows = [(*article[:-1], *article.kept) for article in told]
        table = pd.DataFrame(rows, columns=[*ARTICLE_COLUMNS, *self.keep])
        return Corpus(table, None, rejected, files=opened, steps=self._steps())

    def _steps(self) -> frozenset[str]:
        """Return the steps of cleaning that are on."""
        return cleaning_steps(self.cleaning, sibling_key(self.key, "cleaning"))

    def _articles(self, opened: list[ReadFile], cleaned: dict[str, list[str]]) -> Iterator[Article | Rejected]:
        """Yield the articles of the files."""
        check_keep(self.keep)
        check_language(self.language, sibling_key(self.key, "language"))
        articles = read_articles(
            self.path,
            self,
            columns=self.columns,
            keep=self.keep,
            steps=self._steps(),
            cleaned=cleaned,
            key=self.key,
            opened=opened,
        )
        return stop_at_rejected((article for _, article in articles), self, self.key)


def read_corpus(reader: Callable[[], Corpus | pd.DataFrame]) -> Corpus:
    """Call a reader; the frame of articles that it may return becomes a corpus (see `Corpus.from_frame`)."""
    result = reader()
    if isinstance(result, Corpus):
        return result
    if not isinstance(result, pd.DataFrame):
        found = f"data: {type(reader).__name__} returned a {type(result).__name__}"
        raise InputError(f"{found}; allowed: a DataFrame of articles, or a Corpus")
    return Corpus.from_frame(result)


def _language(tag: object, text: str) -> str | None:
    """Return the language of an article: of its tag, or what its text tells."""
    return primary_language(tag if isinstance(tag, str) else None) or find_language(text)


def split_articles(articles: pd.DataFrame, steps: Set[str] = DEFAULT_STEPS) -> pd.DataFrame:
    """Return the sentences of all articles, in their order, with the columns `SENTENCE_COLUMNS`.

    `steps` of cleaning mark debris.
    """
    known = articles.astype(object).where(articles.notna(), None)  # pandas makes NaN of None among strings
    rows = (Article(*row) for row in known[list(ARTICLE_COLUMNS)].itertuples(index=False))
    sentences = [sentence for article in rows for sentence in split_article(article, steps)]
    table = pd.DataFrame(sentences, columns=list(SENTENCE_COLUMNS))
    if BOILERPLATE in steps:
        table["debris"] |= find_boilerplate(table, articles)
    return table


def count_languages(articles: pd.DataFrame) -> dict[str, int]:
    """Count the articles of each language, the commonest first."""
    return dict(Counter(tag if isinstance(tag, str) else "unknown" for tag in articles["language"]).most_common())


# ---- what articles and ready-made sentences have in common


def check_keep(columns: Sequence[str]) -> None:
    """Refuse to keep a column under the name of a built-in one, or twice."""
    if taken := [name for name in columns if name in _BUILT_IN_COLUMNS]:
        built_in = listing(_BUILT_IN_COLUMNS, 20)
        raise InputError(f"data.keep: '{taken[0]}' is a built-in column; choose another name; built in: {built_in}")
    if repeated := [name for name in columns if columns.count(name) > 1]:
        raise InputError(f"data.keep: '{repeated[0]}' is listed twice; once is enough")


def check_kept_columns(rows: Any, columns: Sequence[str]) -> None:
    """Refuse a kept column that is empty in every row."""
    if missing := [name for name in columns if rows[name].isna().all()]:
        raise InputError(f"data.keep: no row has a column '{missing[0]}'")


def _check_article_frame(articles: pd.DataFrame) -> None:
    """Refuse a frame of articles that lacks a column, or whose cells are not what they should be."""
    if articles.empty:
        raise InputError("data: the reader returned no article")
    if missing := [name for name in ("article_id", "text") if name not in articles]:
        raise InputError(f"data: the articles have no column '{missing[0]}'; found: {listing(articles.columns)}")
    if taken := sorted({*articles} & {*_BUILT_IN_COLUMNS} - {*ARTICLE_COLUMNS}):
        raise InputError(f"data: the articles have a column '{taken[0]}', which is built in; choose another name")
    if repeated := articles["article_id"][articles["article_id"].duplicated()].tolist():
        raise InputError(f"data: article_id '{repeated[0]}' is repeated; each article needs its own")

    for name in [column for column in ARTICLE_COLUMNS if column in articles]:
        cells = articles[name] if name in ("article_id", "text") else articles[name].dropna()
        if wrong := [cell for cell in cells if not isinstance(cell, str)]:
            raise InputError(f"data: {name} is {wrong[0]!r} ({type(wrong[0]).__name__}) in an article; allowed: text")
