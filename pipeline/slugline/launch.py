"""Launches: where a command writes, and what is known of how it was started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

REPORT, PLOTS, TABLES = "report/report.html", "report/plots", "tables"  # in the folder of a run; MLflow sorts by name


def _new_folder() -> Path:
    now = datetime.now()
    return Path("experiments") / "runs" / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S-%f}"


@dataclass(frozen=True)
class Launch:
    """Where a run writes, and what is known of how it was started.

    Parameters
    ----------
    folder : Path
        Where tables, plots and the page go; made when the first of them is written.
    name : str
        The name of the run, unless its settings give one.
    overrides : sequence of str, optional
        What was given on the command line; None where there was none.
    choices : mapping of str to str
        The option that was chosen of each group of the config.
    options : sequence of str
        What the command line gives beside the overrides, for it to be repeated: `--config-dir=FOLDER`.
    config_folders : sequence of Path
        The folders of the user's own config.
    verbose : bool
        Whether to print the seconds of each stage at the end.
    """

    folder: Path = field(default_factory=_new_folder)
    name: str = "train"
    overrides: Sequence[str] | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    config_folders: Sequence[Path] = ()
    verbose: bool = False
