"""What a method is, and what all of them have in common."""

import math

BATCH = 6
SIDE = 8
ENCODER = {"blocks": [1, 1], "width": 4, "channels": 3}
D_FEATURES = ENCODER["width"] << (len(ENCODER["blocks"]) - 1)
# One step an epoch, so that the second step is in the second epoch.
CLOCK = {"steps_per_epoch": 1, "epochs": 10}


class Method:
    """A method: draws its weights and views, computes its loss and terms, moves its state."""

    encoder = ENCODER
    batch = BATCH
    config = {}
    rates = [0.05, 0.03]
    constant_rate = {}  # path of a module -> its rate in every step
    momenta = []  # of the target in each step
    constants = ()  # the start of the path of what no gradient reaches
    frozen = [(), ()]  # what is not trained in each step
    indices = []  # of each sample in its data set, where the method draws by it
    labels = []  # the class of each sample, where the method needs it

    def views(self, draws):
        return draws.views()

    def after_update(self, w, step):
        pass


def cosine_momenta(first):
    """From `first` at step 0 to 1 at the end of the run."""
    total = CLOCK["steps_per_epoch"] * CLOCK["epochs"]
    return [1 - (1 - first) * (math.cos(math.pi * step / total) + 1) / 2 for step in range(2)]


def linear_momenta(first):
    """From `first` at step 0 to 1 at the end of the run, evenly."""
    total = CLOCK["steps_per_epoch"] * CLOCK["epochs"]
    return [first + (1 - first) * step / total for step in range(2)]
