"""The errors that minivis raises on purpose.

Each is a `MinivisError` and the built-in it resembles, so that ``except ValueError`` and ``except MinivisError`` both
work. A message says what was expected, what came, and what to type.
"""


class MinivisError(Exception):
    """Base of every error that minivis raises on purpose."""


class UnknownName(MinivisError, KeyError):
    """A row, class, network or method that does not exist."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class UnknownClass(UnknownName, ValueError):
    """A class name that a network does not have: a name that does not exist, and an argument that does not fit."""


class InputError(MinivisError, ValueError):
    """An argument whose value or shape does not fit."""


class NothingRecorded(MinivisError, TypeError):
    """A Tensor was needed and a plain array came, or the other way round."""


class WeightFileError(MinivisError, ValueError):
    """A weight file that cannot be used."""


class ImageFileError(MinivisError, ValueError):
    """A picture that cannot be used."""


class DownloadError(MinivisError, OSError):
    """A download that failed or was not wanted."""


class DeviceError(MinivisError, RuntimeError):
    """A device that is not there, or that ran out of memory."""
