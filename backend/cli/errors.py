"""Errors as the command line tells them: what is wrong, what to do, and an exit code.

====  ==========================================================================
code  meaning
====  ==========================================================================
0     done
1     something failed that is not listed below
2     the command or a setting is wrong
3     done in part: something could not be added, and the output says what and why
4     the data folder is locked, not writable, full, or of another version
5     the index was filled by another encoder: `candor reindex`
6     search is significantly worse than the baseline of `candor eval`
130   interrupted
====  ==========================================================================
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from knowledge import errors
from knowledge.errors import CandorError

if TYPE_CHECKING:
    from pydantic import ValidationError

PARTLY = 3
WORSE = 6
_EXIT: dict[type[CandorError], int] = {
    errors.InvalidInput: 2,
    errors.EncoderMismatch: 5,
    errors.StoreFault: 4,
    CandorError: 1,
}


class ApiError(CandorError):
    """An error that the API answered with. ``problem`` is its body."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(
            str(problem.get("detail") or problem.get("title") or "The server failed."),
            str(problem.get("action") or ""),
        )
        self.problem = problem

    @property
    def code(self) -> str:
        """The code of the domain error behind it."""
        return str(self.problem.get("type", "")).removeprefix("urn:candor:")


def exit_code(error: CandorError) -> int:
    """The exit code of an error, of this process or of the API's."""
    kind = type(error)
    if isinstance(error, ApiError):
        known = {one("").code: one for one in _subclasses(CandorError)}
        kind = known.get(error.code, CandorError)
    return next(_EXIT[parent] for parent in kind.__mro__ if parent in _EXIT)


def guarded(command: Callable[[], Any]) -> int:
    """Run a command and return its exit code. Of errors only words reach the terminal.

    What nobody foresaw keeps its traceback: that is a defect, and the traceback is what helps.
    """
    as_json = "--json" in sys.argv
    try:
        outcome = command()
    except CandorError as error:
        tell(error, as_json)
        return exit_code(error)
    except typer.TyperException as error:
        # Wrong use knows how to show itself, with the command's usage; the base class does not.
        show: Callable[[], None] = getattr(error, "show", partial(print, error, file=sys.stderr))
        show()
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted.", file=sys.stderr)
        return 130
    return outcome if isinstance(outcome, int) else 0


def tell(error: CandorError, as_json: bool) -> None:
    """Say what is wrong and what to do: in words, and with ``--json`` as the one document too."""
    print(f"Error: {error.detail} {error.action}".strip(), file=sys.stderr)
    if as_json:
        body = {"code": error.code, "detail": error.detail, "action": error.action}
        print(json.dumps({"error": body}, ensure_ascii=False))


def invalid_settings(error: ValidationError) -> errors.InvalidSettings:
    """The settings that are wrong, by the names that people set them with."""
    wrong = [
        f"CANDOR_{str(one['loc'][0]).removeprefix('CANDOR_').upper()}: {one['msg']}"
        if one["loc"]
        else one["msg"]
        for one in error.errors()
    ]
    return errors.InvalidSettings(
        f"A setting is not valid: {'; '.join(wrong)}.", "docs/settings.md lists all settings."
    )


def _subclasses(kind: type[CandorError]) -> list[type[CandorError]]:
    found = [kind]
    for child in kind.__subclasses__():
        if child is not ApiError:
            found += _subclasses(child)
    return found
