"""The choice among the jobs of a sweep: the best score, or a simpler model where it is not worse beyond chance."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from slugline.errors import InputError
from slugline.tracking.history import read_table

if TYPE_CHECKING:
    import pandas as pd

ONE_STANDARD_ERROR, BEST = "one_standard_error", "best"
_SAME_SIZE = 1.01  # models are as large as one another up to this factor
_STANDARD_ERRORS = 2 * 1.96  # in a 95 % interval, from end to end


class Choice(NamedTuple):
    """The job that is chosen, and why, in words; a job is a run of MLflow.

    `against_best` says, by the ids of jobs, how each that was compared stands to the best.
    """

    job: Any
    reasons: list[str]
    against_best: Mapping[str, str] = MappingProxyType({})


def choose_job(jobs: Sequence[Any], scores: Sequence[str], rule: str, uri: str | None = None) -> Choice:
    """Choose among jobs that were evaluated in full.

    Parameters
    ----------
    jobs : sequence of runs
        Of which at least one is there.
    scores : sequence of str
        The best is that with the highest of the first of these that it has.
    rule : str
        `best`, or `one_standard_error`: of those whose macro F1 is lower than the best by no more than the standard
        error of the difference, on the same sentences, the one with the smallest saved model; of models of one size
        (within 1 %) the best. After Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees",
        section 3.4.3.
    uri : str, optional
        Of the store.
    """
    best, *others = sorted(jobs, key=lambda job: first_score(job.data.metrics, scores), reverse=True)
    score = next((key for key in scores if key in best.data.metrics), None)
    if score is None:
        return Choice(best, [])
    reasons = [
        f"by {score}, of {len(jobs)} evaluated in full; best: {best.info.run_name} {best.data.metrics[score]:.3f}"
    ]
    part = score.partition("/")[0]
    if len(jobs) > 1 and part != "dev":
        reasons.append(f"{score} chose the best, so it flatters: of several that are as good it is high by chance, too")
    read = cache(lambda run_id: _read_predictions(run_id, part, uri))  # that of the best for each comparison
    compared = others[:1] if rule == BEST else others
    gaps = {job.info.run_id: gap for job in compared if (gap := _compare(job, best, read)) is not None}
    if others and (gap := gaps.get(others[0].info.run_id)):
        verdict = "not beyond chance" if _is_chance(gap) else "beyond chance"
        numbers = f"{gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), p {gap['p']:.3f}"
        reasons.append(f"second: {others[0].info.run_name}, macro F1 {numbers}: {verdict}")
    against_best = {best.info.run_id: "the best"} | {key: _describe_gap(gap) for key, gap in gaps.items()}
    if rule == BEST:
        return Choice(best, reasons, against_best)
    near = [best, *(job for job in others if _is_near(gaps.get(job.info.run_id)))]
    bytes_of = {job.info.run_id: _size(job) for job in near}
    smallest = min(bytes_of.values())
    chosen = next(job for job in near if bytes_of[job.info.run_id] <= _SAME_SIZE * smallest)
    if chosen is not best:
        sizes = [f"{bytes_of[job.info.run_id] / 1e6:.2f} MB" for job in (chosen, best)]
        taken = f"taken: {chosen.info.run_name}, within one standard error of the best and simpler: its model has"
        reasons.append(f"{taken} {sizes[0]}, that one {sizes[1]}")
        against_best[chosen.info.run_id] += ", simpler: taken"
    return Choice(chosen, reasons, against_best)


def shared_scores(jobs: Sequence[Any], scores: Sequence[str]) -> list[str]:
    """Return scores from the first on that all jobs have, so that none is ranked by another than the others."""
    shared = [all(key in job.data.metrics for job in jobs) for key in scores]
    return list(scores[shared.index(True) :]) if any(shared) else list(scores)


def first_score(metrics: Mapping[str, float], scores: Sequence[str]) -> float:
    """Return the first of the scores that a job has, 0 where it has none."""
    return next((metrics[key] for key in scores if key in metrics), 0.0)


def _compare(job: Any, best: Any, read: "Callable[[str], pd.DataFrame]") -> "Mapping[Any, float] | None":
    """Return macro F1 of a job less that of the best; None where their sentences or labels differ."""
    from slugline.scoring import compare_predictions

    try:
        frames = {run.info.run_id: read(run.info.run_id) for run in (best, job)}
        comparison = compare_predictions(frames)
    except InputError:
        return None
    if any(len(frame) != comparison.sentences for frame in frames.values()):
        return None
    return comparison.differences[job.info.run_id].loc["f1_macro"].to_dict()


def _describe_gap(gap: Mapping[Any, float]) -> str:
    """Return in a few words by how much macro F1 is lower than the best, and whether chance can do that."""
    return f"{gap['difference']:+.3f}, {'within' if _is_chance(gap) else 'beyond'} chance"


def _is_chance(gap: Mapping[Any, float]) -> bool:
    """Tell whether the interval of a difference holds 0."""
    return gap["low"] <= 0 <= gap["high"]


def _read_predictions(run_id: str, part: str, uri: str | None) -> "pd.DataFrame":
    """Return the predictions of a run for a part."""
    import pandas as pd

    return pd.read_parquet(BytesIO(read_table(run_id, f"predictions_{part}.parquet", uri)))


def _is_near(gap: "Mapping[Any, float] | None") -> bool:
    """Tell whether a job is worse than the best by no more than the standard error of the difference."""
    return gap is not None and gap["difference"] >= -(gap["high"] - gap["low"]) / _STANDARD_ERRORS


def _size(job: Any) -> float:
    """Return how many bytes the saved model of a job has; infinite where that is not known."""
    from mlflow.models import Model

    size = Model.load(job.data.tags["model_uri"]).model_size_bytes
    return float(size) if size else float("inf")
