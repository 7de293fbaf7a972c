"""The peers' side of the views: torchvision, lightly, albumentations and kornia, each on one core.

Unpacks the images both sides use into .images beside this file: 512 of CIFAR-10 and 64
photographs, from cifar10-jpg.tar.gz and imagenet-sample.tar in SELFSAME_DATA (../shared/data from the
repository by default). Where they are not, images of the same sizes are made up, and the name says so.
"""

import io
import json
import os
import sys
import tarfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A
import cv2
import kornia
import kornia.augmentation as K
import lightly
import numpy as np
import torch
import torchvision
from albumentations.pytorch import ToTensorV2
from lightly.transforms import SimCLRTransform
from PIL import Image
from torchvision.transforms import v2

HERE = Path(__file__).resolve().parent
IMAGES = HERE / ".images"
DATA = Path(os.environ.get("SELFSAME_DATA", HERE.parent.parent.parent / "shared" / "data"))
SETS = {"small": ("cifar10-jpg.tar.gz", 512, (32, 32)), "photographs": ("imagenet-sample.tar", 64, (500, 375))}
MEAN = {32: (0.4914, 0.4822, 0.4465), 224: (0.485, 0.456, 0.406)}
STD = {32: (0.247, 0.2435, 0.2616), 224: (0.229, 0.224, 0.225)}
SECONDS = 0.6


def unpack(name):
    """Writes the images of a set; gives back whether they are real."""
    archive, count, size = SETS[name]
    folder = IMAGES / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    if (DATA / archive).exists():
        with tarfile.open(DATA / archive) as tar:
            files = (entry for entry in tar if entry.isfile())
            for number, entry in zip(range(count), files):
                (folder / f"{number:04}.jpg").write_bytes(tar.extractfile(entry).read())
        return True
    random = np.random.default_rng(0)
    for number in range(count):
        noise = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        noise.resize(size, Image.Resampling.BICUBIC).save(folder / f"{number:04}.jpg", quality=90)
    return False


def files(name):
    return [path.read_bytes() for path in sorted((IMAGES / name).iterdir())]


def pil(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def opencv(data):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def tensor(data):
    raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return torchvision.io.decode_image(raw, torchvision.io.ImageReadMode.RGB)


# SimCLR of half strength without blur at 32 pixels, of full strength with blur at 224.
def strength(side):
    return {32: 0.5, 224: 1.0}[side]


def jitter(side):
    return [strength(side) * part for part in (0.8, 0.8, 0.8, 0.2)]


def with_lightly(side):
    normalize = {"mean": MEAN[side], "std": STD[side]}
    blur = 0.5 if side == 224 else 0.0
    return SimCLRTransform(
        input_size=side, cj_strength=strength(side), gaussian_blur=blur, normalize=normalize
    )


def with_torchvision(side):
    blur = [v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], 0.5)] if side == 224 else []
    view = v2.Compose([
        v2.RandomResizedCrop(side, (0.08, 1.0), antialias=True),
        v2.RandomHorizontalFlip(),
        v2.RandomApply([v2.ColorJitter(*jitter(side))], 0.8),
        v2.RandomGrayscale(0.2),
        *blur,
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN[side], STD[side]),
    ])
    return lambda image: [view(image), view(image)]


def with_albumentations(side):
    blur = [A.GaussianBlur((23, 23), (0.1, 2.0), p=0.5)] if side == 224 else []
    view = A.Compose([
        A.RandomResizedCrop((side, side), (0.08, 1.0)),
        A.HorizontalFlip(p=0.5),
        A.ColorJitter(*((1 - s, 1 + s) for s in jitter(side)[:3]), jitter(side)[3], p=0.8),
        A.ToGray(p=0.2),
        *blur,
        A.Normalize(MEAN[side], STD[side]),
        ToTensorV2(),
    ])
    return lambda image: [view(image=image)["image"], view(image=image)["image"]]


def with_kornia(side):
    blur = [K.RandomGaussianBlur((23, 23), (0.1, 2.0), p=0.5)] if side == 224 else []
    view = torch.nn.Sequential(
        K.RandomResizedCrop((side, side), (0.08, 1.0)),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJitter(*jitter(side), p=0.8),
        K.RandomGrayscale(p=0.2),
        *blur,
        K.Normalize(torch.tensor(MEAN[side]), torch.tensor(STD[side])),
    )
    return lambda images: [*view(images), *view(images)]


def batches(images, count):
    """Float batches for kornia; photographs differ in size and come one by one."""
    floats = [image.float() / 255 for image in images]
    return [torch.stack(floats[at : at + count]) for at in range(0, len(floats), count)]


NAMES = {
    "lightly": f"lightly {lightly.__version__}",
    "torchvision": f"torchvision {torchvision.__version__}",
    "albumentations": f"albumentations {A.__version__}",
    "kornia": f"kornia {kornia.__version__}",
    "PIL": f"PIL {Image.__version__}",
    "opencv": f"opencv {cv2.__version__}",
}
DECODERS = {"lightly": pil, "torchvision": tensor, "albumentations": opencv, "PIL": pil, "opencv": opencv}
VIEWS = {"lightly": with_lightly, "torchvision": with_torchvision, "albumentations": with_albumentations}


def prepared(task, peer):
    """The images of a case, and what gives back a list of results for one of them."""
    if task == "decoding alone":
        decode = DECODERS[peer]
        return files("photographs"), lambda data: [decode(data)]
    if task == "224 px SimCLR with decoding":
        decode, views = DECODERS[peer], VIEWS[peer](224)
        return files("photographs"), lambda data: views(decode(data))
    side, name = (32, "small") if task.startswith("32") else (224, "photographs")
    if peer == "kornia":
        return batches([tensor(data) for data in files(name)], 64 if side == 32 else 1), with_kornia(side)
    return [DECODERS[peer](data) for data in files(name)], VIEWS[peer](side)


CASES = {
    "32 px SimCLR": (["albumentations", "kornia", "lightly", "torchvision"], "views/s"),
    "224 px SimCLR with blur": (["albumentations", "kornia", "lightly", "torchvision"], "views/s"),
    "224 px SimCLR with decoding": (["albumentations", "lightly", "torchvision"], "views/s"),
    "decoding alone": (["PIL", "opencv", "torchvision"], "images/s"),
}


def main():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    made_up = [name for name in SETS if not unpack(name)]
    note = f" (made-up images: {', '.join(made_up)})" if made_up else ""
    cases = {f"{task}, {peer}": unit for task, (peers, unit) in CASES.items() for peer in peers}
    peers = {f"{task}, {peer}": NAMES[peer] + note for task, (peers, _) in CASES.items() for peer in peers}
    print(json.dumps({"peers": peers, "cases": cases}), flush=True)
    ready = {}
    for line in sys.stdin:
        case = line.strip()
        if case not in ready:
            ready[case] = prepared(*case.split(", "))
            images, work = ready[case]
            work(images[0])
        images, work = ready[case]
        results, turn, start = 0, 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            results += len(work(images[turn % len(images)]))
            turn += 1
        print(results / (time.perf_counter() - start), flush=True)


main()
