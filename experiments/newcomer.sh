#!/usr/bin/env bash
# From an empty folder with 200 text articles to a served model, as a newcomer goes: every command is one that the step before, or
# the guide, has printed; what people do by hand (keywords, labels) is done by a few lines of Python.
#
#   bash experiments/newcomer.sh [FOLDER]      by default a new temporary folder; needs `pip install -e ".[xlsx]"`
set -euo pipefail
work=${1:-$(mktemp -d)}
export MLFLOW_DISABLE_TELEMETRY=true
mkdir -p "$work"
cd "$work"

say() { printf '\n== %s\n' "$*"; }
run() { # a command as it is typed; what it prints is kept for `follow`
  say "$1"
  bash -c "$1" > last.txt 2>&1 || { code=$?; cat last.txt; [[ " ${2:-0} " == *" $code "* ]] || exit "$code"; return 0; }
  tail -n 12 last.txt
}
follow() { # the first `next` line that holds a word
  line=$(grep '^next ' last.txt | grep -m1 -- "$1" | sed 's/^next *//')
  run "$line" "${2:-0}"
}
page() { # a command that a page of the guide names
  slugline guide "$1" > page.txt
  grep -m1 -- "$2" page.txt
}

say "200 articles of the sample as text files"
python - <<'PYTHON'
import json
from pathlib import Path

from slugline.files import shipped_folder

Path("my-articles").mkdir(exist_ok=True)
for line in (shipped_folder("data/sample") / "articles.jsonl").read_text(encoding="utf-8").splitlines()[:200]:
    article = json.loads(line)
    Path("my-articles", f"{article['article_id']}.txt").write_text(article["text"], encoding="utf-8")
PYTHON

run "slugline new border topics='guns fall silent,penalties,law & order'"
cp my-articles/*.txt border/articles/
cat > fill.py <<'PYTHON'
"""What people do by hand: keywords, and labels in the file of tasks, whatever its format."""

import json
import sys
from pathlib import Path

import pandas as pd

from slugline.files import shipped_folder

TOPICS = {"ceasefire": "guns fall silent", "sanctions": "penalties", "protest": "law & order", "coercion": "law & order"}
KEYWORDS = {
    "guns fall silent": '["ceasefire*", "truce*"]',
    "penalties": '["sanction*", "embargo*", "blacklist*"]',
    "law & order": '["protest*", "arrest*", "rally", "detain*"]',
}


def labels_by_text():
    text = (shipped_folder("data/sample") / "labels.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["text"]: sorted({TOPICS[topic] for topic in row["labels"] if topic in TOPICS}) for row in rows}


def fill_in(file):
    labels = labels_by_text()
    if file.suffix == ".json":  # Label Studio, as it exports
        tasks = json.loads(file.read_text(encoding="utf-8"))
        for task in tasks:
            choices = {"choices": labels.get(task["data"]["text"], [])}
            result = [{"type": "choices", "from_name": "topics", "to_name": "text", "value": choices}]
            task["annotations"] = [{"result": result if choices["choices"] else []}]
        file.write_text(json.dumps(tasks), encoding="utf-8")
        return
    sheet = pd.read_excel(file, dtype=str) if file.suffix == ".xlsx" else pd.read_csv(file, dtype=str)
    sheet = sheet.astype(object)
    for row, text in enumerate(sheet["text"]):
        sheet.loc[row, "status"] = "done"
        for topic in labels.get(text, []):
            sheet.loc[row, topic] = "1"
    sheet.to_excel(file, index=False) if file.suffix == ".xlsx" else sheet.to_csv(file, index=False)


if sys.argv[1] == "keywords":
    taxonomy = Path("conf/labels/topics.yaml")
    text = taxonomy.read_text(encoding="utf-8")
    for topic, keywords in KEYWORDS.items():
        text = text.replace(f'  {topic}:\n    definition: ""\n    keywords: []', f"  {topic}: {keywords}")
    taxonomy.write_text(text, encoding="utf-8")
else:
    fill_in(Path(sys.argv[1]))
PYTHON
cd border
cp ../last.txt .
python ../fill.py keywords

run "$(sed -n 's/^next *cd [^&]*&& //p' last.txt)" # slugline label
follow "slugline train"
follow "tasks=tasks.csv"
for tasks in tasks.csv tasks.xlsx tasks.json; do
  [ -e $tasks ] || run "slugline label tasks=$tasks size=150 seed=${#tasks}"
  python ../fill.py $tasks
  follow "annotations=$tasks"
done
follow "slugline train"
run "$(page comparing 'slugline train -m')"
run "$(page comparing 'slugline compare')"
run "slugline promote" "0 1"
run "slugline predict input=articles output=topics.csv" # the README of the project
run "$(page production 'output=topics.parquet')"
run "$(page production 'slugline monitor')"
run "$(page production 'slugline export')"

say "serve"
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
serve=$(page production 'mlflow models serve' | sed "s/5001/$port/")
echo "$serve"
setsid bash -c "$serve" > serve.txt 2>&1 &
server=$!
trap 'kill -- -$server 2>/dev/null || true' EXIT
for _ in $(seq 60); do
  sleep 1
  curl -fs "http://127.0.0.1:$port/ping" > /dev/null && break
done
run "$(page production 'curl ' | sed "s/5001/$port/")"
say "done: $work"
