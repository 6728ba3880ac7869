"""What one would write without Slugline: TF-IDF, one-vs-rest logistic regression, MLflow's own `log_model`.

`python experiments/handwritten.py SOLVER SEED` on IndiaPoliceEvents, split by article; prints macro F1 on test.
"""

import json
import os
import sys
import warnings
from pathlib import Path

import mlflow
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

DATA = Path(os.environ.get("SLUGLINE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def main(solver: str, seed: int) -> None:
    """Train, score and log one model."""
    rows = [json.loads(line) for line in (DATA / "india_police_events/sents.jsonl").read_text("utf-8").splitlines()]
    texts = [row["sent_text"] for row in rows]
    Y = MultiLabelBinarizer().fit_transform([row["sent_labels"] for row in rows])
    splitter = GroupShuffleSplit(1, test_size=0.2, random_state=seed)
    train, test = next(splitter.split(texts, groups=[row["doc_id"] for row in rows]))
    classifier = OneVsRestClassifier(LogisticRegression(solver=solver, class_weight="balanced", max_iter=1000))
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), classifier)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("handwritten")
    with mlflow.start_run():
        model.fit([texts[row] for row in train], Y[train])
        f1 = f1_score(Y[test], model.predict([texts[row] for row in test]), average="macro")
        mlflow.log_metric("f1_macro", f1)
        mlflow.sklearn.log_model(model, name="model", input_example=texts[:2])
    print(json.dumps({"f1_macro": f1}))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main(sys.argv[1], int(sys.argv[2]))
