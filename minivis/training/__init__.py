"""Training: optimisers, data, the loop, checkpoints, and the command that puts them together.

The loss is the primitive `cross_entropy`; `Training` is the loop, an iterator over single steps; `epochs` is the same
with a folder for checkpoints and a log.
"""

from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .data import Folder, LabelledFile, Pictures, centre_views, open_folder, random_views, stored_side
from .evaluation import Evaluation, FolderEvaluation, evaluate, evaluate_folder
from .loop import State, Step, Training
from .optimizers import SGD, Adam, clip_norm, constant, cosine, staircase
from .runs import Validation, epochs, resume

__all__ = [
    "SGD",
    "Adam",
    "Checkpoint",
    "Evaluation",
    "Folder",
    "FolderEvaluation",
    "LabelledFile",
    "Pictures",
    "State",
    "Step",
    "Training",
    "Validation",
    "centre_views",
    "clip_norm",
    "constant",
    "cosine",
    "epochs",
    "evaluate",
    "evaluate_folder",
    "load_checkpoint",
    "open_folder",
    "random_views",
    "resume",
    "save_checkpoint",
    "staircase",
    "stored_side",
]
