"""Text is read in the encodings users' programs write; anything that is not text is reported as such."""

from __future__ import annotations

import codecs
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.loader import load_pack
from prompts.user_text import NotText, decode, read_text

TEXT = "Why did you call the café “Größe” – and what came of it?\r\nI don’t know.\n"


@pytest.mark.parametrize(
    "written",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("cp1252"),
    ],
)
def test_every_alphabet_gives_the_same_text(written: bytes, tmp_path: Path) -> None:
    assert decode(written) == TEXT
    (tmp_path / "a.txt").write_bytes(written)
    assert read_text(tmp_path / "a.txt") == TEXT


def test_what_is_no_text(tmp_path: Path) -> None:
    for data in (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02",
        b"\xff\xfe\x00\x80\x81",
        bytes(range(256)),
        b"\x7fELF\x02\x01\x01" + b"\0" * 9,
    ):
        with pytest.raises(NotText):
            decode(data)
    assert decode(b"") == ""
    assert decode(b"a resume with one stray \x07 from a word processor, otherwise as it should be") != ""


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff\ufeff")))
def test_any_utf8_comes_back(text: str) -> None:
    assert decode(b"\xef\xbb\xbf" + text.encode()) == text


@given(st.binary())
def test_any_bytes_are_text_or_said_to_be_none(data: bytes) -> None:
    with contextlib.suppress(NotText):
        decode(data)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_pack_from_another_editor(encoding: str, tmp_path: Path) -> None:
    import agent.cli.packs

    pack = tmp_path / "mine.yaml"
    text = agent.cli.packs.TEMPLATE.format(name="mine", title="Café", file=pack)
    pack.write_bytes(text.encode(encoding))
    assert load_pack(str(pack))["title"] == "Café"
