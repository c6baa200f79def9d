"""Numbers that somebody typed."""

from __future__ import annotations

from knowledge.errors import InvalidInput


def number(name: str, value: object) -> float:
    """A number that somebody typed. Raises :class:`InvalidInput`."""
    try:
        return float(str(value).strip().replace(",", "."))
    except ValueError as error:
        raise InvalidInput(f"{name} is not a number: {value}.") from error


def whole_number(name: str, value: object) -> int:
    """A number without a part after the point. Raises :class:`InvalidInput`."""
    found = number(name, value)
    if not found.is_integer():
        raise InvalidInput(f"{name} is not a whole number: {value}.")
    return int(found)
