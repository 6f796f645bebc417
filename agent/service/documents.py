"""Text out of what operators attach: a PDF, or text itself."""

from __future__ import annotations

import io

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from agent.service.problems import Problem

LONGEST = 40_000  # characters kept: a resume of ten pages
MOST_PAGES = 40


def text_of_pdf(data: bytes, what: str) -> str:
    """Raises Problem for a file that is no PDF, is locked, or holds no text (a scan)."""
    if not data.lstrip()[:5].startswith(b"%PDF-"):
        raise Problem(422, "not-a-pdf", f"{what}: this is not a PDF; send a PDF, or its text instead")
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Problem(422, "locked-pdf", f"{what}: the PDF is locked by a password; send one without")
        text = "\n".join(page.extract_text() or "" for page in reader.pages[:MOST_PAGES])
    except Problem:
        raise
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        OSError,
        NotImplementedError,
    ) as error:
        raise Problem(422, "broken-pdf", f"{what}: the PDF cannot be read; save it again, or send its text") from error
    text = "\n".join(line.strip() for line in text.replace("\x00", "").splitlines() if line.strip())
    if not text:
        raise Problem(422, "empty-pdf", f"{what}: the PDF holds no text (a scan?); send its text instead")
    return text[:LONGEST]
