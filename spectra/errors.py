"""The one error that is the user's to mend."""

__all__ = ["InputError"]


class InputError(ValueError):
    """The input is wrong; the message is one line that names the thing and the mend.

    The command line prints the message alone and exits with status 2; from Python it is
    an ordinary ``ValueError``.
    """
