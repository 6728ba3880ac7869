"""What a run is judged by, in words: how many sentences and articles, and what they can tell."""

from slugline.dataset import absent_notes
from slugline.report.scores import format_interval
from slugline.scoring import difference_by_chance
from slugline.splits import HELD_OUT, ByTime
from slugline.training.cross_validation import FEW_SENTENCES
from slugline.training.judged import CROSS_VALIDATED
from slugline.training.run import TrainingRun

NONE_HELD_OUT = "split.test=0 split.dev=0"


def describe_judged(run: TrainingRun) -> list[str]:
    """Return what is to be known of the sentences that a run is judged by, a note each; none where they are many."""
    if run.part == CROSS_VALIDATED:
        return _describe_cross_validation(run)
    count = int(run.judged.rows.sum())
    if count >= FEW_SENTENCES:
        return []
    few = f"{run.part} has {count} sentences, too few to judge by ({_describe_score(run, run.part)})"
    if run.dataset.rows("train").any():
        return [f"{few}: label more, or judge by all of them with evaluation=cross_validation {NONE_HELD_OUT}"]
    return [f"{few}; out of core nothing is cross-validated: label more, or train without data.chunk_rows"]


def describe_chance(run: TrainingRun) -> str:
    """Return which differences from a score on other articles are within chance; "" where a run has no interval."""
    low, high = (run.metrics.get(f"{run.part}/f1_macro_{end}") for end in ("low", "high"))
    if low is None or high is None:
        return ""
    articles = run.dataset.sentences["article_id"][run.judged.rows].nunique()
    return (
        f"{articles} articles: a difference in macro F1 below {difference_by_chance(low, high):.2f} from the score on "
        "as many other articles is within chance; slugline compare tells smaller ones of models on the same articles"
    )


def _describe_cross_validation(run: TrainingRun) -> list[str]:
    """Return how sentences were cross-validated, which are held out beside them, and what none of them has."""
    dataset, rows = run.dataset, run.judged.rows
    articles = dataset.sentences["article_id"][rows].nunique()
    notes = [
        f"cross-validated: {int(rows.sum())} sentences of {articles} articles, each judged by a model whose features, "
        "C, calibration and thresholds were made without its article"
    ]
    if count := int(dataset.rows("test").sum()):
        notes.append(f"the {count} sentences of test are not among these: {_describe_score(run, 'test')}")
    if any(dataset.rows(part).any() for part in HELD_OUT):
        notes.append(f"{NONE_HELD_OUT} would let the model learn from all that is labelled, and be judged by all of it")
    if isinstance(run.settings.split, ByTime):
        notes.append("cross-validation does not keep the order of time: later articles help to judge earlier ones")
    return notes + absent_notes("cross-validated", dataset.Y[rows], dataset.topics)


def _describe_score(run: TrainingRun, part: str) -> str:
    """Return macro F1 on a part with its interval."""
    key = f"{part}/f1_macro"
    return f"macro F1 {run.metrics[key]:.3f}, 95 % {format_interval(run.metrics, key)}"
