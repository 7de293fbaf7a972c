"""The peers' side of exact search and linear probe: faiss, NumPy, scikit-learn."""

import json
import sys
import time
import warnings

import faiss
import numpy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

ROWS, QUERIES, DIM, CLASSES, K = 50_000, 10_000, 512, 10, 20
GRID = [10 ** (i / 4 - 6) for i in range(45)]


def entries(seed, count):
    """The numbers of `entries` of our side."""
    with numpy.errstate(over="ignore"):
        hashed = numpy.arange(1, count + 1, dtype=numpy.uint64) + numpy.uint64(seed << 40)
        hashed *= numpy.uint64(0x9E3779B97F4A7C15)
        hashed = (hashed ^ (hashed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        hashed = (hashed ^ (hashed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    even = ((hashed ^ (hashed >> numpy.uint64(31))) >> numpy.uint64(40)) / 2**23 - 1.0
    return even.astype(numpy.float32)


def data(seed, rows):
    """Classes that overlap: noise plus a twelfth of a center."""
    labels = numpy.arange(rows) % CLASSES
    centers = entries(77, CLASSES * DIM).reshape(CLASSES, DIM)
    noise = entries(seed, rows * DIM).reshape(rows, DIM)
    return noise + numpy.float32(0.08) * centers[labels], labels


def normalized(x):
    return x / numpy.linalg.norm(x, axis=1, keepdims=True)


def standardized(x):
    return (x - x.mean(0)) / x.std(0)


def flat(rows, queries):
    index = faiss.IndexFlatIP(DIM)
    index.add(normalized(rows))
    return index.search(normalized(queries), K)


def product(rows, queries):
    for first in range(0, QUERIES, 1024):
        queries[first : first + 1024] @ rows.T


def brute(rows, queries):
    NearestNeighbors(n_neighbors=K, algorithm="brute", metric="cosine").fit(rows).kneighbors(queries)


def probe(rows, labels, c=1.0, model=None):
    model = model or LogisticRegression(max_iter=300)
    model.set_params(C=c)
    return model.fit(rows, labels)


def grid(rows, labels):
    """Chooses C on a tenth of the rows, each fit from the result of the one before."""
    held = numpy.arange(len(rows)) % (10 * CLASSES) < CLASSES
    x = standardized(rows)
    model = LogisticRegression(max_iter=1000, warm_start=True)
    scores = [
        probe(x[~held], labels[~held], c, model).score(x[held], labels[held]) for c in GRID
    ]
    probe(x, labels, GRID[int(numpy.argmax(scores))])


def main():
    warnings.filterwarnings("ignore")  # fits that end at their limit of steps
    rows, labels = data(1, ROWS)
    queries, _ = data(2, QUERIES)
    cases = {
        "search value": lambda: float(flat(rows, queries)[0].mean()),
        "search faiss": lambda: flat(rows, queries),
        "search product": lambda: product(rows, queries),
        "search scikit-learn": lambda: brute(rows, queries),
        "fit single": lambda: probe(standardized(rows), labels),
        "fit double": lambda: probe(standardized(rows.astype(float)), labels),
        "grid": lambda: grid(rows.astype(float), labels),
    }
    learn = f"scikit-learn {sklearn.__version__}"
    peers = {case: learn for case in cases}
    peers |= {f"search {case}": f"faiss-cpu {faiss.__version__}" for case in ("value", "faiss")}
    peers["search product"] = f"NumPy {numpy.__version__}, product alone"
    units = {case: "value" if case.endswith("value") else "ms" for case in cases}
    print(json.dumps({"name": learn, "peers": peers, "cases": units}), flush=True)
    for line in sys.stdin:
        case = line.strip()
        start = time.perf_counter()
        found = cases[case]()
        took = (time.perf_counter() - start) * 1e3
        print(found if units[case] == "value" else took, flush=True)


main()
