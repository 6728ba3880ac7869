"""Our sentences beside the gold ones: `python experiments/own_sentences.py [--quick]`.

IndiaPoliceEvents gives labels to sentences that another splitter cut (with the site's words and mojibake in them). The full texts of
`metadata.jsonl` go through our cleaning and splitter; gold labels find our sentences as `labels=gold` finds them, by exact text or by the
overlap of texts. First table: how many gold sentences are aligned, and why the others are not: of texts as they are in the file, of texts
without the remains of mojibake that their splitter cut in two, and as a training aligns them (`data=articles`, `labels.gold`). Second: macro F1 of the default model on
test, split by article, mean of the seeds (least to most), on our sentences and on theirs. Needs the data at ../shared/data or SLUGLINE_DATA.
"""

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

import slugline
from slugline.cache import Off, Stages
from slugline.data import ArticleCorpus, Corpus, SentenceCorpus
from slugline.data.cleaning import clean
from slugline.dataset.labelled import read_labelled
from slugline.labels import Labels, read_gold
from slugline.labels.gold import parse_gold
from slugline.labels.matching import CUT_SIGNS, match_gold
from slugline.splits import ByArticle
from slugline.tracking import Off as NoTracking
from slugline.training.settings import EvaluationSettings

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")).resolve() / "india_police_events"
SEEDS = range(1) if "--quick" in sys.argv else range(3)
ARTICLES = ArticleCorpus(
    str(DATA / "metadata.jsonl"), columns={"article_id": "doc_id", "text": "full_text", "published": "date"}
)
GOLD_COLUMNS = {"article_id": "doc_id", "text": "sent_text", "labels": "sent_labels"}
OURS = Labels(gold=str(DATA / "sents.jsonl"), columns=GOLD_COLUMNS, conflict="union")


def squeeze(text: str) -> str:
    """Return a text without blanks."""
    return re.sub(r"\s", "", text)


def reason(text: str, article: str) -> str:
    """Return why a gold sentence matches none of ours; both texts are without blanks."""
    text = text if text in article else trim(text)
    if not re.search(r"[^\W\d_]", text):
        return "it has no letter"
    times = article.count(text)
    if times != 1:
        return "it stands there more than once" if times else "its text is not in the article"
    return "it begins or ends within a word, or covers less than half"


def explain(corpus: Corpus, gold: dict[str, dict[str, object]], unmatched: list[str]) -> Counter[str]:
    """Count why gold sentences match none of ours."""
    articles = {row.article_id: squeeze(row.text) for row in corpus.articles.itertuples()}
    records = [gold[where] for where in unmatched]
    return Counter(
        f"not aligned: {reason(squeeze(clean(str(one['text'])).text), articles.get(str(one['article_id']), ''))}"
        for one in records
    )


def trim(text: object) -> str:
    """Take the remains of a sign that the gold splitter cut in two (`â€` and `™`) off the ends of a text."""
    return CUT_SIGNS.sub("", str(text))


def align() -> None:
    """Print how many gold sentences are aligned: as they are, without the remains of cut mojibake, and by a training."""
    corpus, product = read_labelled(ARTICLES, OURS, Stages())
    sentences = corpus.sentences()
    raw, cleaned = (
        dict(parse_gold(read_gold(str(DATA / "sents.jsonl"), GOLD_COLUMNS, steps=steps), GOLD_COLUMNS, ","))
        for steps in (frozenset(), corpus.steps)
    )
    trimmed = {where: {**record, "text": trim(record["text"])} for where, record in cleaned.items()}
    matches = [
        (gold, matched.counts, matched.unmatched)
        for gold in (raw, trimmed)
        for matched in [match_gold(sentences, gold.items(), conflict="union")]
    ]
    print(f"{len(raw)} gold sentences, {len(sentences)} of ours ({int(sentences['debris'].sum())} debris)\n")
    print("| gold sentences | as they are | trimmed | in a training |\n| --- | --- | --- | --- |")
    columns = []
    for gold, matched, unmatched in [*matches, (cleaned, product.counts, product.unmatched)]:
        counts = Counter({f"aligned, by {name}": matched[name] for name in ("exact", "overlap")})
        counts["aligned"] = sum(counts.values())
        columns.append(counts + explain(corpus, gold, unmatched))
    for name in sorted(set().union(*columns)):
        print(f"| {name} | {' | '.join(f'{counts[name]} ({counts[name] / len(raw):.2%})' for counts in columns)} |")
    labelled, debris = product.sentences["labels"].notna(), product.sentences["debris"]
    print(
        f"\n{int((labelled & ~debris).sum())} of our {int((~debris).sum())} sentences that are no debris have labels; "
        f"{product.counts['conflicts']} overlap gold sentences with different labels (all count)"
    )


def score() -> None:
    """Print macro F1 on our sentences and on theirs."""
    ours = {"data": ARTICLES, "labels": OURS}
    theirs = {
        "data": SentenceCorpus(
            str(DATA / "sents.jsonl"), columns={"text": "sent_text", "labels": "sent_labels", "article_id": "doc_id"}
        ),
        "labels": Labels(),
    }
    print(
        "\n| sentences | macro F1 on test, mean (least to most) | sentences used | labels |\n| --- | --- | --- | --- |"
    )
    for name, options in {"ours": ours, "theirs": theirs}.items():
        runs = [
            slugline.train(
                **options,
                split=ByArticle(seed=seed),
                evaluation=EvaluationSettings(slices=[]),
                plots=False,
                cache=Off(),
                tracking=NoTracking(),
                seed=seed,
            )
            for seed in SEEDS
        ]
        f1 = pd.Series([run.metrics["test/f1_macro"] for run in runs])
        print(
            f"| {name} | {f1.mean():.3f} ({f1.min():.3f} to {f1.max():.3f}) | {runs[0].dataset.counts['used']} | {int(runs[0].dataset.Y.sum())} |",
            flush=True,
        )


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"no {DATA}: set SLUGLINE_DATA to the folder with the data")
    align()
    score()
