"""Ours against a peer, in turn in one run: python3 benches/compare/compare.py losses

Needs Rust and, the first time, PyPI. For a subject `losses` there are two programs: the peer's side
`losses.py` beside this file, run in a virtual environment of its own, and our side, the binary
`compare_losses` of this package. Both answer each line of input, the name of a case, with one line,
a number. The peer's side first prints one line of JSON: its name and version, or those of the peer of
each case, and the cases with their units. A case in MB is asked of fresh processes, since a peak cannot
be taken back. A case in `value` is not timed: both sides must give the same number.

Prints a table, and merges its rows into compare.json.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = ROOT / "compare.json"
# The versions that the figures in docs/reference/benchmarks.md were measured with.
PACKAGES = ["torch==2.13.0", "torchvision==0.28.0", "lightly==1.6.0"]
PACKAGES += ["kornia==0.9.0", "albumentations==2.0.8"]
PACKAGES += ["faiss-cpu==1.15.1", "scikit-learn==1.9.1", "hnswlib==0.8.0", "usearch==2.26.6"]
ROUNDS = 3
# Those of `selfsame::keep_memory`, given to both sides alike.
TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=2147483648"
TUNABLES += ":glibc.malloc.trim_threshold=8589934592:glibc.malloc.top_pad=67108864"
# How far values of single precision may be apart, relative to them or to 1.
TOLERANCE = 1e-4


def environment():
    """The peers' Python, made the first time; SELFSAME_COMPARE_VENV puts it elsewhere."""
    folder = Path(os.environ.get("SELFSAME_COMPARE_VENV", HERE / ".venv"))
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


class Side:
    """A program that answers the name of a case with a number."""

    def __init__(self, command):
        pipe, env = subprocess.PIPE, os.environ | {"GLIBC_TUNABLES": TUNABLES}
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, env=env
        )

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[0]} ended with {self.process.wait()}")
        return line

    def ask(self, case):
        print(case, file=self.process.stdin, flush=True)
        return float(self.line())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def once(command, case, greeting):
    side = Side(command)
    if greeting:
        side.line()
    number = side.ask(case)
    side.close()
    return number


def compare(subject):
    cargo = ["cargo", "build", "--release", "--quiet"]
    binary = f"compare_{subject}"
    subprocess.run([*cargo, "--bin", binary], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    our_command = [target / "release" / binary]
    peer_command = [environment(), HERE / f"{subject}.py"]
    ours, peer = Side(our_command), Side(peer_command)
    about = json.loads(peer.line())
    for case, unit in about["cases"].items():
        if unit == "value":
            mine, theirs = ours.ask(case), peer.ask(case)
            if abs(mine - theirs) > TOLERANCE * max(abs(theirs), 1.0):
                sys.exit(f"{subject}: {case} is {mine} here and {theirs} there")
            continue
        if unit == "MB":
            pairs = [(once(our_command, case, False), once(peer_command, case, True))]
        else:
            pairs = [(ours.ask(case), peer.ask(case)) for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(side) for side in zip(*pairs))
        # Of a rate more is better, of time and memory less.
        ratio = mine / theirs if unit.endswith("/s") else theirs / mine
        what = f"{subject}: {case}"
        name = about["peers"][case] if "peers" in about else about["name"]
        row = {"what": what, "ours": mine, "peer": theirs, "peer_name": name}
        row |= {"unit": unit, "ratio": ratio}
        print(f"{what:44} {mine:10.2f} {theirs:10.2f} {unit:8} {ratio:7.2f}", flush=True)
        yield row


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"{'':44} {'ours':>10} {'peer':>10} {'unit':8} {'ratio':>7}   (above 1: ours is better)")
    rows = list(compare(sys.argv[1]))
    told = {row["what"] for row in rows}
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    kept = [row for row in old if row["what"] not in told]
    RESULTS.write_text(json.dumps(kept + rows, indent=1) + "\n")


main()
