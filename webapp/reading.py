"""From the body of a request to values that can be trusted.

Everything that comes from outside passes through here first: it is JSON, it has the fields it
may have and no others, a number is a finite number (true is none, nor is NaN) and within its
range. What is not so is refused with a sentence that says what should be.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from flask import Request

from .errors import Refusal


def json_body(request: Request, fields: Collection[str]) -> dict[str, Any]:
    """The JSON object in the body, which may have these fields."""
    if request.mimetype != "application/json":
        raise Refusal("body.not_json", "send JSON, with the header Content-Type: application/json",
                      415)
    try:
        body = json.loads(request.get_data().decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Refusal("body.not_utf8", "the body is not UTF-8") from error
    except RecursionError as error:
        raise Refusal("body.too_deep", "the body has lists in lists in lists: too deep") from error
    except ValueError as error:
        raise Refusal("body.not_json", f"the body is not JSON: {error}") from error
    return an_object(body, "body", fields)


def an_object(value: Any, name: str, fields: Collection[str]) -> dict[str, Any]:
    """An object with no other fields than these."""
    if not isinstance(value, dict):
        raise Refusal(f"{name}.not_an_object", f"the {name} must be an object, such as {{...}}")
    for field in value:
        if field not in fields:
            raise Refusal(f"{name}.unknown_field", f"the {name} has a field {_short(field)}, which "
                          f"means nothing here: it may have {', '.join(fields)}")
    return value


def number(value: Any, name: str, low: float, high: float) -> float:
    """A finite number from low to high."""
    if type(value) not in (int, float) or not low <= value <= high:
        raise Refusal(f"{name}.out_of_range",
                      f"{name} must be a number from {low:g} to {high:g}, not {_short(value)}")
    return float(value)


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number from low to high; to JSON 3.0 is one too."""
    if type(value) not in (int, float) or not low <= value <= high or value != int(value):
        raise Refusal(f"{name}.out_of_range", f"{name} must be a whole number from {low} to "
                      f"{high}, not {_short(value)}")
    return int(value)


def whole_in_query(request: Request, name: str, low: int, high: int, default: int) -> int:
    """A whole number from low to high from the address (?name=3)."""
    text = request.args.get(name)
    if text is None:
        return default
    digits = text.isascii() and text.isdecimal() and len(text) <= 9
    return whole(int(text) if digits else text, name, low, high)


def one_of(value: Any, name: str, allowed: Collection[str]) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in allowed:
        raise Refusal(f"{name}.unknown", f"there is no {name} {_short(value)}: there are "
                      f"{', '.join(allowed)}")
    return value


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _short(value: Any) -> str:
    """A value as JSON, cut off where it grows long."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    told = json.dumps(value)
    return told if len(told) <= 40 else told[:37] + "..."
