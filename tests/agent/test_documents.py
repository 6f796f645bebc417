"""Attached documents are read or give one clear error line, whatever is broken in them."""

from __future__ import annotations

import io
import zipfile

import docx
import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.planning.documents import DocumentError, text_of

TEXT = "Reduced nightly load time by 60% with Airflow"


def a_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph(TEXT)
    document.add_table(1, 1).cell(0, 0).text = "Grüße"
    packed = io.BytesIO()
    document.save(packed)
    return packed.getvalue()


def a_pdf() -> bytes:
    with matplotlib.rc_context({"backend": "pdf"}):
        from matplotlib.figure import Figure

        figure, packed = Figure(), io.BytesIO()
        figure.text(0.1, 0.5, TEXT)
        figure.savefig(packed, format="pdf")
    return packed.getvalue()


DOCX, PDF = a_docx(), a_pdf()
DAMAGE = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 255)), max_size=8)


def damaged(data: bytes, damage: list[tuple[float, int]], cut: float = 1.0) -> bytes:
    found = bytearray(data)
    for where, value in damage:
        found[4 + round(where * (len(found) - 5))] = value
    return bytes(found[: max(5, round(cut * len(found)))])


def is_text_or_one_line(data: bytes) -> None:
    try:
        assert text_of(data, "resume")
    except DocumentError as error:
        assert "\n" not in str(error) and str(error).startswith("resume: ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_from_any_editor(encoding: str) -> None:
    assert text_of(f"{TEXT} – Grüße\r\n".encode(encoding), "resume") == f"{TEXT} – Grüße"


def test_documents_are_read() -> None:
    assert text_of(DOCX, "resume") == f"{TEXT}\nGrüße"
    assert text_of(PDF, "resume") == TEXT


@settings(max_examples=60, deadline=None)
@given(DAMAGE, st.floats(0.0, 1.0), st.sampled_from([DOCX, PDF]))
def test_a_damaged_file(damage: list[tuple[float, int]], cut: float, data: bytes) -> None:
    is_text_or_one_line(damaged(data, damage, cut))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_good_archive_with_damaged_parts(data: st.DataObject) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(DOCX)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name.endswith(("document.xml", "[Content_Types].xml", ".rels")) and len(part) > 5:
                part = damaged(part, data.draw(DAMAGE), data.draw(st.sampled_from([1.0, 0.5])))
            target.writestr(name, part)
    is_text_or_one_line(packed.getvalue())


def test_an_archive_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for i in range(5):
            target.writestr(f"word/{i}.xml", bytes(16 * 2**20))
    with pytest.raises(DocumentError, match="unpacks"):
        text_of(packed.getvalue(), "resume")
