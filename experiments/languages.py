"""Which features for which language? `python experiments/languages.py [--quick]`.

The multilingual sample of the tests (60 articles of 4 or 5 sentences, three topics; `tests/multilingual.txt`): for each
language alone, and for all together, average precision and F1 (macro, on a third of the articles; means over splits) of
word n-grams, of the default, and of character n-grams of several lengths. Then CPU seconds for finding the language of
an article of IndiaPoliceEvents (if it is at ../shared/data or SLUGLINE_DATA) by the whole text and by its beginning.
"""

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from multilingual import write_sample  # noqa: E402

import slugline  # noqa: E402
from slugline.cache import Off  # noqa: E402
from slugline.data import ArticleCorpus  # noqa: E402
from slugline.data.languages import _load_identifier, find_language  # noqa: E402
from slugline.labels import Labels  # noqa: E402
from slugline.ngrams import TfidfVectorizer  # noqa: E402
from slugline.splits import ByArticle  # noqa: E402
from slugline.tracking import Off as NoTracking  # noqa: E402
from slugline.training.settings import EvaluationSettings  # noqa: E402

SEEDS = range(2) if "--quick" in sys.argv else range(10)
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data"))
WORD = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)


def char(analyzer: str, shortest: int, longest: int, min_df: int = 3) -> TfidfVectorizer:
    """Return character n-grams."""
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(shortest, longest), min_df=min_df, sublinear_tf=True)


FEATURES = {
    "words": {"word": WORD},
    "words, characters 3 to 5 in words": {"word": WORD, "char": char("char_wb", 3, 5)},
    "characters 3 to 5 in words": {"char": char("char_wb", 3, 5)},
    "characters 1 to 3": {"char": char("char", 1, 3)},
    "characters 1 to 3, min_df 2": {"char": char("char", 1, 3, 2)},
    "characters 1 to 4, min_df 2": {"char": char("char", 1, 4, 2)},
    "characters 2 to 4, min_df 2": {"char": char("char", 2, 4, 2)},
    "words, characters 1 to 3": {"word": WORD, "char": char("char", 1, 3)},
    "words, characters 1 to 5 in words": {"word": WORD, "char": char("char_wb", 1, 5)},
}


def scores(folder: Path, features: dict[str, TfidfVectorizer], seed: int) -> tuple[float, float]:
    """Return average precision and F1, both macro, on a third of the articles."""
    run = slugline.train(
        data=ArticleCorpus(str(folder / "articles.jsonl")),
        labels=Labels(gold=str(folder / "labels.jsonl")),
        features=features,
        split=ByArticle(dev=0, test=1 / 3, seed=seed),
        evaluation=EvaluationSettings(slices=[]),
        folds=3,
        plots=False,
        cache=Off(),
        tracking=NoTracking(),
        seed=seed,
    )
    return run.metrics["test/ap_macro"], run.metrics["test/f1_macro"]


def compare_features() -> None:
    """Print a table of features by language."""
    languages = ["es", "ar", "zh", "hi", "de", "all"]
    print(f"| features, AP (F1) | {' | '.join(languages)} |\n|{' --- |' * (len(languages) + 1)}")
    for name, features in FEATURES.items():
        cells = []
        for language in languages:
            with TemporaryDirectory() as place:
                write_sample(Path(place), *([] if language == "all" else [language]))
                try:
                    ap, f1 = np.mean([scores(Path(place), features, seed) for seed in SEEDS], axis=0)
                except slugline.InputError as error:
                    cells.append(str(error)[:30])
                    continue
            cells.append(f"{ap:.2f} ({f1:.2f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def time_detection() -> None:
    """Print how long finding the language of an article takes."""
    file = DATA / "india_police_events" / "metadata.jsonl"
    if not file.is_file():
        sys.exit(f"no {file}: set SLUGLINE_DATA to the folder with the data")
    texts = [json.loads(line)["full_text"] for line in file.read_text(encoding="utf-8").splitlines()]
    begin = time.process_time()
    identifier = _load_identifier.__wrapped__()
    print(f"\nloading py3langid's model: {time.process_time() - begin:.2f} CPU seconds")
    ways = {
        "py3langid, whole text": identifier.classify,
        "py3langid, 1,000 characters": lambda text: identifier.classify(text[:1000]),
        "as Slugline does": find_language,
    }
    for name, way in ways.items():
        begin = time.process_time()
        found = [way(text) for text in texts]
        seconds = time.process_time() - begin
        english = sum((one if isinstance(one, str) or one is None else one[0]) == "en" for one in found)
        print(f"{name}: {1000 * seconds / len(texts):.2f} ms an article, English {english} of {len(texts)}")


if __name__ == "__main__":
    compare_features()
    time_detection()
