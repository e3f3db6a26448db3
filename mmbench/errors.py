"""The one-line messages. A user's mistake is a `UserError`: what, where and what to do, exit code 2, never a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend. `str(error)` is the one line that is printed."""


class Inapplicable(UserError):
    """A method that cannot be applied to this cell, as the paper may print ("Inapplicable"). No job exists for it."""


class Blocked(UserError):
    """A cell that cannot run here for want of data or weights. The message says both ways out."""


def nearest(name: str, options: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the closest option, or the list of options when none is close."""
    options = sorted(set(options))
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(options)}" if options else ""


def unknown(kind: str, name: str, options: Iterable[str]) -> UserError:
    """The message for a name that does not exist, with the nearest valid one."""
    return UserError(f"unknown {kind} '{name}'{nearest(name, options)}")
