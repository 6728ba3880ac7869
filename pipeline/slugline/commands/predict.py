"""`slugline predict`: the sentences of new articles with their topics."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slugline.config.predict import PredictSettings
from slugline.config.project_reading import describe_reading
from slugline.data.dates import describe_dates
from slugline.data.read_files import ReadFile, describe_files
from slugline.data.schema import Rejected
from slugline.errors import InputError
from slugline.launch import Launch
from slugline.model.store import read_origin
from slugline.model.used_model import describe_used_model, is_by_rules
from slugline.prediction import PredictionCounts, predict_files
from slugline.prediction.part_files import rejected_file
from slugline.terminal import close_output, neutralise_json
from slugline.tracking import model_folder, name_model

_BY_RULES = "caution the model learned labels by keyword rules, not by people"


def predict(settings: PredictSettings, launch: Launch) -> None:
    """Label the sentences of articles, a record each, to a file or to standard output."""
    if reading := describe_reading(settings):
        print(reading, file=sys.stderr)
    folder = model_folder(settings.model_uri, settings.tracking_uri)
    replaced = settings.output is not None and Path(settings.output).is_file()
    opened: list[ReadFile] = []
    with _progress_bar() as show_progress, _advice_when_interrupted(settings, launch):
        counts = predict_files(
            folder,
            settings,
            stream=_StandardOutput(),
            on_progress=show_progress,
            on_rejected=_print_rejected,
            opened=opened,
        )
    for note in describe_files(opened):
        print(f"note    {note}", file=sys.stderr)
    print(_describe_model(settings, folder), _summary(counts, settings.output), sep="\n", file=sys.stderr)
    if replaced:
        print(f"replaced the predictions of before in {settings.output}", file=sys.stderr)


def _describe_model(settings: PredictSettings, folder: Path) -> str:
    """Return which model was used, and a caution where rules alone taught it."""
    topics, info = read_origin(folder)
    line = describe_used_model(name_model(settings.model_uri, settings.tracking_uri), topics, info)
    return f"{line}\n{_BY_RULES}" if is_by_rules(info, "train") else line


@contextmanager
def _advice_when_interrupted(settings: PredictSettings, launch: Launch) -> Iterator[None]:
    """After Ctrl-C, print the command that continues."""
    try:
        yield
    except KeyboardInterrupt:
        if settings.output is not None and str(settings.input) != "-":
            given = [override for override in launch.overrides or () if not override.startswith("resume=")]
            line = shlex.join(["slugline", "predict", *launch.options, *given, "resume=true"])
            print(f"slugline: interrupted; finished parts are kept; to continue: {line}", file=sys.stderr)
        raise


class _StandardOutput:
    """Standard output as a stream of bytes, in UTF-8 whatever the terminal's encoding."""

    def write(self, records: bytes) -> None:
        """Write at once; leave with 141 when nobody reads it, raise `InputError` when its disk is full."""
        try:
            sys.stdout.buffer.write(neutralise_json(records) if sys.stdout.isatty() else records)
            sys.stdout.buffer.flush()
        except OSError as error:
            close_output()
            if isinstance(error, BrokenPipeError):  # `slugline predict ... | head`
                sys.exit(141)
            raise InputError(f"cannot write standard output: {error.strerror}") from error


def _print_rejected(rejected: Rejected) -> None:
    """Print a rejected row with the reason on standard error."""
    print(f"slugline: {rejected}", file=sys.stderr)


def _summary(counts: PredictionCounts, output: str | Path | None) -> str:
    """Return what was read, written and rejected, and in a second line where what was rejected is."""
    summary = (
        f"read {counts.articles + counts.rejected} = {counts.articles} labelled + {counts.rejected} rejected; "
        f"{counts.sentences} sentences written, {counts.debris} of them debris"
    )
    if dates := describe_dates(counts.dated, counts.undated):
        summary += f"\n{dates}"
    if output is None or counts.first_rejected is None:
        return summary
    repeated = f"{counts.repeated} repeat an article_id; " if counts.repeated else ""
    first = f"{repeated}the first is {counts.first_rejected}"
    return f"{summary}\nrejected rows with reasons: {rejected_file(Path(output))} ({first})"


@contextmanager
def _progress_bar() -> Iterator[Callable[[PredictionCounts], None] | None]:
    """Show how many sentences are labelled, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    bar: Any = None

    def show(counts: PredictionCounts) -> None:
        nonlocal bar
        if bar is None:  # the first call, before any batch: the rate leaves out what a resumed run finds done
            bar = tqdm(file=sys.__stderr__, unit=" sentences", unit_scale=True, initial=counts.sentences)
        bar.update(counts.sentences - bar.n)

    try:
        yield show
    finally:
        if bar is not None:
            bar.close()
