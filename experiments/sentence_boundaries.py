"""Where do sentences end? `python experiments/sentence_boundaries.py [--language=TAG] [--time] [FILE.conllu ...]`.

Boundary F1 of Slugline's splitter beside plain sentencex (and pysbd and spaCy's sentencizer, if they are installed): on
the news-like cases of `tests/sentence_cases.txt`, by language, and on the gold text of CoNLL-U files given by path, in
the language of `--language` (en). A boundary is the place after a sentence, counted in characters that are not blank; the end of
a text is none. With `--time`: CPU seconds for 250,000 and 1,000,000 characters of text that is hard to split; a ratio of 4 is linear.
"""

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from sentencex import segment

from slugline.data.languages import primary_language
from slugline.data.sentences import split_text

CASES = Path(__file__).parents[1] / "tests" / "sentence_cases.txt"
Splitter = Callable[[str, str], list[str]]  # text and language tag -> sentences
HARD = (
    "\n",
    " ",
    "word ",
    "\ud800. ",
    "“unclosed. ",
    "「行かない。",
    "（a。",
    "Mr. ",
    "1. ",
    "<p>",
    "<p>a.</p>",
    "a! ",
    "“a! ",
    ".” a ",
    "a@b.co. ",
    "in. x ",
)


class Text(NamedTuple):
    """A text, its language, and its sentences; `known`: our splitter is known to fail on it."""

    language: str
    text: str
    sentences: list[str]
    known: bool = False


def read_cases(path: Path = CASES) -> Iterator[Text]:
    """Yield the cases of a file as `tests/sentence_cases.txt`."""
    language = "en"
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"\[([\w-]+)\] ", line):
            language = heading[1]
        elif line and not line.startswith("#"):
            case = line.removeprefix("? ").replace("\\n", "\n")
            text = case.replace(" | ", " ").replace("|", "")
            yield Text(language, text, [sentence.strip() for sentence in case.split("|")], line.startswith("? "))


def read_conllu(path: Path, language: str) -> Iterator[Text]:
    """Yield the documents of a CoNLL-U file, as `# text` has them; a paragraph ends at a line end."""
    sentences: list[str] = []
    text, glue = "", ""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = block.splitlines()
        if text and any(line.startswith("# newdoc") for line in lines):
            yield Text(language, text, sentences)
            sentences, text, glue = [], "", ""
        found = [line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")]
        if not found:
            continue
        if text and any(line.startswith("# newpar") for line in lines):
            glue = "\n"
        text += glue + found[0]
        sentences.append(found[0])
        glue = "" if "SpaceAfter=No" in lines[-1] else " "
    if text:
        yield Text(language, text, sentences)


def boundaries(sentences: list[str]) -> set[int]:
    """Return where sentences end within a text, in characters that are not blank."""
    return set(list(accumulate(len(re.sub(r"\s", "", sentence)) for sentence in sentences))[:-1])


def find_splitters() -> dict[str, Splitter]:
    """Return the splitters that can be had here."""
    found: dict[str, Splitter] = {
        "slugline": lambda text, tag: [sentence.text for sentence in split_text(text, language=tag)],
        "sentencex": lambda text, tag: segment(primary_language(tag) or "en", text),
    }
    try:
        import pysbd

        found["pysbd"] = lambda text, tag: list(_segmenter(pysbd, tag).segment(text))
    except ImportError:
        print("pysbd is not installed")
    try:
        import spacy

        found["spaCy sentencizer"] = lambda text, _: [span.text for span in _sentencizer(spacy)(text).sents]
    except ImportError:
        print("spaCy is not installed")
    return found


def _segmenter(pysbd: object, tag: str) -> object:
    """Return pysbd's segmenter of a language, or of English where it has none."""
    from pysbd.languages import LANGUAGE_CODES

    language = primary_language(tag)
    return pysbd.Segmenter(language=language if language in LANGUAGE_CODES else "en", clean=False)


def _sentencizer(spacy: object) -> object:
    """Return spaCy's splitter by rules."""
    pipe = spacy.blank("xx")
    pipe.add_pipe("sentencizer")
    return pipe


def score(splitter: Splitter, texts: list[Text]) -> Counter[str]:
    """Count the boundaries that are right, found and wanted."""
    counts: Counter[str] = Counter()
    for one in texts:
        wanted, found = boundaries(one.sentences), boundaries(splitter(one.text, one.language))
        counts.update(
            right=len(wanted & found), wanted=len(wanted), found=len(found), whole=int(wanted == found), texts=1
        )
    return counts


def show(title: str, texts: list[Text], splitters: dict[str, Splitter]) -> None:
    """Print a row of a table for each splitter."""
    for name, splitter in splitters.items():
        counts = score(splitter, texts)
        precision, recall = (counts["right"] / max(counts[side], 1) for side in ("found", "wanted"))
        f1 = 2 * counts["right"] / max(counts["found"] + counts["wanted"], 1)
        print(
            f"| {title} | {name} | {counts['whole']} of {counts['texts']} | {counts['wanted']} | {precision:.3f} | {recall:.3f} | {f1:.3f} |",
            flush=True,
        )


def cpu_seconds(text: str) -> float:
    """Return how long our splitter takes for a text."""
    begin = time.process_time()
    split_text(text, language="en")
    return time.process_time() - begin


def show_time() -> None:
    """Print how time grows with the length of text that is hard to split."""
    print("\n| piece, repeated | 250,000 characters (s) | 1,000,000 (s) | ratio |\n| --- | --- | --- | --- |")
    for piece in HARD:
        seconds = [cpu_seconds(piece * (size // len(piece))) for size in (250_000, 1_000_000)]
        print(
            f"| `{piece!a}` | {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[1] / max(seconds[0], 0.01):.1f} |",
            flush=True,
        )


def main(*arguments: str) -> None:
    """Print the tables."""
    options = dict(argument[2:].partition("=")[::2] for argument in arguments if argument.startswith("--"))
    if unknown := set(options) - {"language", "time"}:
        sys.exit(f"--{min(unknown)}: no option; allowed: --language=TAG, --time, and paths of CoNLL-U files")
    splitters = find_splitters()
    print(
        "| texts | splitter | whole texts right | boundaries | precision | recall | F1 |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    cases = list(read_cases())
    by_language = defaultdict(list)
    for case in cases:
        by_language[primary_language(case.language)].append(case)
    ours = {name: splitters[name] for name in ("slugline", "sentencex")}
    for language, texts in by_language.items():
        show(f"cases, {language}", texts, ours)
    show("cases, all", cases, splitters)
    for path in [Path(argument) for argument in arguments if not argument.startswith("--")]:
        show(path.name, list(read_conllu(path, options.get("language") or "en")), splitters)
    if "time" in options:
        show_time()


if __name__ == "__main__":
    main(*sys.argv[1:])
