"""Users' text files as editors and Excel write them: UTF-8 with or without a BOM, UTF-16, or Windows-1252."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

_MARKS = (  # longer ones first: the UTF-32 BOM begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Text may have a few of these, left over from other programs; anything with many was never text.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffe\uffff]")
_STRAY = 0.02  # largest share of such characters
_SAMPLE = 4000  # bytes examined to recognise UTF-16 without a BOM
_ZEROS = 0.6  # share of zeros in every second byte of UTF-16 text in Latin letters


class NotText(ValueError):
    """These bytes are not text in any supported encoding."""


def decode(data: bytes) -> str:
    """The text without its BOM, line endings unchanged. Raises NotText."""
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotText("neither UTF-8 nor UTF-16 text") from error
    # Nearly every byte is a character in cp1252, so it is only believed if there is no control character at all.
    if len(_CONTROL.findall(text)) > (0 if encoding == "cp1252" else len(text) * _STRAY):
        raise NotText("not text: it holds control characters")
    return text


def read_text(path: Path) -> str:
    """The text of a file. Raises OSError, NotText."""
    return decode(path.read_bytes())


def _encoding(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    sample = data[: _SAMPLE - _SAMPLE % 2]
    if len(sample) >= 4:
        even, odd = (sample[i::2].count(0) / len(sample[i::2]) for i in (0, 1))
        if max(even, odd) > _ZEROS and min(even, odd) < 0.05:
            return "utf-16-le" if odd > even else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
