"""Measure the main job, each time as a cold command in a folder of its own: `python experiments/main_job.py`.

The sample; IndiaPoliceEvents over five seeds; and the hand-written script (experiments/handwritten.py) with two solvers. Wall seconds, macro F1 on
test, and ratios within this run. Needs the real data at ../shared/data or SLUGLINE_DATA.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
DATA = Path(os.environ.get("SLUGLINE_DATA", HERE.parents[1] / "shared" / "data")).resolve()
SEEDS = range(5)
FEWER = range(3)  # for the hand-written script, which takes long


def run(*command: str) -> tuple[float, float]:
    """Run a command in a new folder; return wall seconds and macro F1 on test."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=environment | {"SLUGLINE_DATA": str(DATA)},
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - start
    lines = done.stdout.splitlines()
    macro = [line.split()[3] for line in lines if line.startswith("macro ")]
    return seconds, float(macro[0]) if macro else json.loads(lines[-1])["f1_macro"]


def main() -> None:
    """Print one table."""
    india = [run("-m", "slugline", "train", "experiment=india_police_events", f"seed={seed}") for seed in SEEDS]
    sample = [run("-m", "slugline", "train", f"seed={seed}") for seed in SEEDS]
    rows = {"slugline train": sample, "slugline train experiment=india_police_events": india}
    for solver in ("lbfgs", "liblinear"):
        rows[f"handwritten, {solver}, IndiaPoliceEvents"] = [
            run(str(HERE / "handwritten.py"), solver, str(seed)) for seed in SEEDS
        ]
    reference = statistics.median(seconds for seconds, _ in india)
    print("| what | wall, median (s) | of `slugline train` on the same | macro F1 on test, mean (least to most) |")
    print("| --- | --- | --- | --- |")
    for name, found in rows.items():
        seconds = statistics.median(taken for taken, _ in found)
        scores = [score for _, score in found]
        ratio = "" if "Police" not in name else f"{seconds / reference:.2f}"
        print(
            f"| {name} | {seconds:.1f} | {ratio} | {statistics.mean(scores):.3f} ({min(scores):.3f} to {max(scores):.3f}) |"
        )


if __name__ == "__main__":
    main()
