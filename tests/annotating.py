"""Annotators made of code: they fill in the fields that each tool fills in, in the files that `write_tasks` wrote."""

import csv
import io
import json
from pathlib import Path

import pandas as pd

WHEN = "2026-02-03T04:05:06.000007Z"
IN_UTC = "2026-02-03T04:05:06.000007+00:00"
EPOCH = 1770091506.000007


def sentences(texts, **columns) -> pd.DataFrame:
    """Return sentences of one article, ids s0, s1, ..."""
    ids = [f"s{number}" for number in range(len(texts))]
    return pd.DataFrame({"sentence_id": ids, "article_id": "a", "text": pd.Series(texts, dtype=object), **columns})


def annotate(file: Path, format: str, answers: dict, annotator: str = "ann") -> None:
    """Answer the tasks in a file: `answers` maps sentence_id to labels, or to None for skipping; others stay as they are."""
    ANNOTATORS[format](file, answers, annotator)


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]


def write_lines(file: Path, rows: list[dict]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def in_label_studio(file, answers, annotator):
    tasks = json.loads(file.read_text("utf-8"))
    for number, task in enumerate(tasks, start=1):
        task |= {"id": number, "annotations": [], "drafts": [], "meta": {}, "created_at": WHEN, "project": 1}
        if (key := task["data"]["sentence_id"]) in answers:
            choices = {"value": {"choices": list(answers[key] or ())}, "id": "Dx_aB", "from_name": "topics"}
            choices |= {"to_name": "text", "type": "choices", "origin": "manual"}
            annotation = {
                "id": number,
                "completed_by": {"id": 1, "email": annotator, "first_name": ""},
                "lead_time": 4.2,
            }
            annotation |= {"result": [choices] if answers[key] else [], "was_cancelled": answers[key] is None}
            task["annotations"] = [annotation | {"ground_truth": False, "created_at": WHEN, "updated_at": WHEN}]
    file.write_text(json.dumps(tasks), "utf-8")


def in_doccano(file, answers, annotator):
    """doccano gives ids of its own, and exports all examples of one annotator, also untouched ones; it cannot skip."""
    rows = []
    for number, row in enumerate(lines(file), start=1):
        text, key = row.pop("text"), row["sentence_id"]
        imported, answer = row.pop("label", []), answers.get(key)
        label = imported if answer is None else sorted(answer) or ["none of these"]
        rows.append({"id": number, "text": text, **row, "label": label, "Comments": []})
    write_lines(file.rename(file.with_name(f"{annotator}.jsonl")), rows)


def in_prodigy(file, answers, annotator):
    rows = lines(file)
    for number, row in enumerate(rows):
        row |= {"_input_hash": number, "_task_hash": -number, "_view_id": "choice"}
        if (key := row["sentence_id"]) in answers:
            row |= {"accept": list(answers[key] or ()), "answer": "ignore" if answers[key] is None else "accept"}
            row |= {"_timestamp": EPOCH, "_annotator_id": annotator, "_session_id": annotator}
    write_lines(file, rows)


def in_argilla(file, answers, annotator):
    records = json.loads(file.read_text("utf-8"))
    for record in records:
        record |= {"status": "pending", "_server_id": "0"}
        if (key := record["id"]) in answers:
            status = "discarded" if answers[key] is None else "submitted"
            value = None if answers[key] is None else list(answers[key]) or ["none of these"]
            record["responses"] = {"topics": [{"value": value, "user_id": annotator, "status": status}]}
            record["status"] = "completed"
    file.write_text(json.dumps(records), "utf-8")


def in_csv(file, answers, annotator):
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(filled(rows, answers, annotator))
    file.write_bytes(stream.getvalue().encode("utf-8"))


def in_xlsx(file, answers, annotator):
    from openpyxl import load_workbook

    book = load_workbook(file)
    sheet = book["sentences"]
    rows = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    for number, row in enumerate(filled([list(row) for row in rows], answers, annotator), start=1):
        for column, value in enumerate(row, start=1):
            if value != rows[number - 1][column - 1]:
                sheet.cell(number, column).value = value
    book.save(file)


def filled(rows, answers, annotator):
    """Put an x below every topic; rows are a table with its header."""
    header = rows[0]
    place = {name.removeprefix("'"): column for column, name in enumerate(header)}
    for row in rows[1:]:
        if (key := row[0] if row[0] in answers else row[0].removeprefix("'")) in answers:
            for topic in answers[key] or ():
                row[place[topic]] = "x"
            row[place["status"]] = "skipped" if answers[key] is None else "done"
            row[place["annotator"]], row[place["when"]] = annotator, WHEN
    return rows


ANNOTATORS = {
    "label_studio": in_label_studio,
    "doccano": in_doccano,
    "prodigy": in_prodigy,
    "argilla": in_argilla,
    "csv": in_csv,
    "xlsx": in_xlsx,
}
TIMED = {"label_studio", "prodigy", "csv", "xlsx"}
ENDINGS = {"label_studio": ".json", "doccano": ".jsonl", "prodigy": ".jsonl", "argilla": ".json", "csv": ".csv"}
ENDINGS["xlsx"] = ".xlsx"
