"""The JSON objects in a language model's reply, wherever in its text they stand. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Every object that can be read, in order; what is broken or no object is passed over."""
    for match in re.finditer(r"\{", text):
        try:
            found, _ = json.JSONDecoder().raw_decode(text[match.start() :])
        except (ValueError, RecursionError):  # broken, or nested without end
            continue
        if isinstance(found, dict):
            yield found
