"""The JSON objects in a language model's reply, wherever in its text they are. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Every object that can be parsed, in order; anything broken or not an object is skipped."""
    for match in re.finditer(r"\{", text):
        try:
            found, _ = json.JSONDecoder().raw_decode(text[match.start() :])
        except (ValueError, RecursionError):  # broken, or nested without end
            continue
        if isinstance(found, dict):
            yield found
