"""Text from attached documents: PDF, DOCX or plain text."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
from pypdf import PdfReader

from agent.errors import UserError
from prompts.user_text import NotText, decode

LONGEST = 40_000  # characters kept: a resume of ten pages
MOST_PAGES = 40
LARGEST = 64 * 2**20  # bytes that a DOCX may unpack to


class DocumentError(UserError):
    """A document without text that we can read. `code`: the kind of problem, for the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def text_of_pdf(data: bytes, what: str) -> str:
    """Raises DocumentError for a PDF that is broken, locked, or holds no text (a scan)."""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError("locked-pdf", f"{what}: the PDF is locked by a password; send one without")
        text = "\n".join(page.extract_text() or "" for page in reader.pages[:MOST_PAGES])
    except DocumentError:
        raise
    except Exception as error:  # what the parser raises on a damaged file is not documented
        raise DocumentError("broken-pdf", f"{what}: the PDF cannot be read; save it again, or send its text") from error
    text = _tidy(text)
    if not text:
        raise DocumentError("empty-pdf", f"{what}: the PDF holds no text (a scan?); send its text instead")
    return text


def text_of_docx(data: bytes, what: str) -> str:
    """Paragraphs and tables. Raises DocumentError for a file that is not a DOCX or holds no text."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as inside:
            if sum(part.file_size for part in inside.infolist()) > LARGEST:
                raise DocumentError("too-large", f"{what}: the DOCX unpacks to more than a resume is; send its text")
        document = docx.Document(io.BytesIO(data))
        lines = [p.text for p in document.paragraphs]
        lines += [" ".join(cell.text for cell in row.cells) for table in document.tables for row in table.rows]
    except DocumentError:
        raise
    except Exception as error:  # what the ZIP and XML parsers raise on a damaged file is not documented
        raise DocumentError(
            "broken-docx", f"{what}: this is no DOCX that can be read; save it again, or send its text"
        ) from error
    text = _tidy("\n".join(lines))
    if not text:
        raise DocumentError("empty-docx", f"{what}: the DOCX holds no text; send its text instead")
    return text


def text_of(data: bytes, what: str) -> str:
    """By the content of the file, not its name. Raises DocumentError."""
    if data.lstrip()[:5].startswith(b"%PDF-"):
        return text_of_pdf(data, what)
    if data[:2] == b"PK":
        return text_of_docx(data, what)
    try:
        text = _tidy(decode(data))
    except NotText as error:
        raise DocumentError(
            "not-text", f"{what}: neither PDF, DOCX nor text (UTF-8 or UTF-16); save it as one of them"
        ) from error
    if not text:
        raise DocumentError("empty", f"{what}: there is no text in it")
    return text


def read_document(path: Path | None) -> str:
    """The text of a file, "" for none. Raises UserError."""
    if path is None:
        return ""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; check the path") from error
    return text_of(data, str(path))


def _tidy(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("\x00", "").splitlines() if line.strip())[:LONGEST]
