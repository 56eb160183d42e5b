"""The rating model beside Surprise's SVD: python -m bench.ratings FILE --surprise PYTHON

FILE holds `user item rating [timestamp]`, such as MovieLens 100k. PYTHON is an interpreter with
scikit-surprise, which needs another NumPy than we do:

    python -m venv /tmp/surprise && /tmp/surprise/bin/pip install scikit-surprise

Both are fitted and measured on the same five folds, with 100 factors and 20 epochs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from shop.recommend.interactions import read_file
from shop.recommend.ratings import Ratings

FOLDS = 5
THEIRS = """
import json, sys, time
import numpy as np
import surprise
folder, folds = sys.argv[1], int(sys.argv[2])
reader = surprise.Reader(line_format="user item rating", sep="\\t", rating_scale=(1, 5))
errors, seconds = [], 0.0
for fold in range(folds):
    files = [(f"{folder}/{fold}.train", f"{folder}/{fold}.test")]
    data = surprise.Dataset.load_from_folds(files, reader)
    for known, hidden in surprise.model_selection.PredefinedKFold().split(data):
        model = surprise.SVD(n_factors=100, n_epochs=20, random_state=0)
        begin = time.perf_counter()
        model.fit(known)
        seconds += time.perf_counter() - begin
        found = model.test(hidden)
        rmse = surprise.accuracy.rmse(found, verbose=False)
        errors.append((rmse, surprise.accuracy.mae(found, verbose=False)))
print(json.dumps({"errors": errors, "seconds": seconds, "version": surprise.__version__}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ratings")
    parser.add_argument("file", type=Path)
    parser.add_argument("--surprise", required=True, help="an interpreter with scikit-surprise")
    given = parser.parse_args()
    data = read_file(given.file)
    fold_of = np.random.default_rng(0).integers(0, FOLDS, len(data))
    ours, seconds = [], 0.0
    with tempfile.TemporaryDirectory() as name:
        for fold in range(FOLDS):
            known, hidden = data.where(fold_of != fold), data.where(fold_of == fold)
            for part, title in ((known, "train"), (hidden, "test")):
                rows = zip(part.users, part.items, part.ratings, strict=True)
                text = "".join(f"{user}\t{item}\t{rating:g}\n" for user, item, rating in rows)
                (Path(name) / f"{fold}.{title}").write_text(text)
            begin = time.perf_counter()
            model = Ratings().fit(known)
            seconds += time.perf_counter() - begin
            off = model.predict(hidden.users, hidden.items) - hidden.ratings
            ours.append((float(np.sqrt((off**2).mean())), float(np.abs(off).mean())))
        command = [given.surprise, "-c", THEIRS, name, str(FOLDS)]
        theirs = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(f"{len(data)} ratings, {FOLDS} folds")
    print(f"{'':22}{'RMSE':>8}{'MAE':>8}{'fit, s':>8}")
    means = np.mean(ours, axis=0), np.mean(theirs["errors"], axis=0)
    times = seconds / FOLDS, theirs["seconds"] / FOLDS
    titles = "svd", f"Surprise {theirs['version']}"
    for title, (rmse, mae), took in zip(titles, means, times, strict=True):
        print(f"{title:22}{rmse:8.4f}{mae:8.4f}{took:8.1f}")
    print(f"ratio of the RMSEs     {means[0][0] / means[1][0]:.4f}")


if __name__ == "__main__":
    main()
