"""Pairs of word lists as token ids, with the word each token came from. Shared by training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from dialogue.understanding.pairs import Pair

LONGEST = 176  # tokens of a pair; of a longer answer the beginning and the end are read


@dataclass(frozen=True)
class Encoded:
    """`kinds`: 0 for the first list, 1 for the second. `words`: for each token its index in the second list, or -1."""

    ids: list[int]
    kinds: list[int]
    words: list[int]


class PairTokenizer:
    """WordPiece over lower-cased words. `path`: a tokenizer.json."""

    def __init__(self, path: Path) -> None:
        self._tokenizer: Any = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cls, self._sep = self._mark("[CLS]"), self._mark("[SEP]")

    def _mark(self, token: str) -> int:
        found: int | None = self._tokenizer.token_to_id(token)
        assert found is not None, f"the tokenizer has no {token}"
        return found

    def encode(self, pair: Pair) -> Encoded:
        """[CLS] a [SEP] b [SEP]; the middle of a `b` that is too long is left out."""
        first, _ = self._pieces(pair[0])
        first = first[: LONGEST // 2]
        second, words = self._pieces(pair[1])
        room = LONGEST - len(first) - 3
        if len(second) > room:
            head = room // 2
            second = [*second[:head], *second[-(room - head) :]]
            words = [*words[:head], *words[-(room - head) :]]
        ids = [self._cls, *first, self._sep, *second, self._sep]
        kinds = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        return Encoded(ids, kinds, [*[-1] * (len(first) + 2), *words, -1])

    def _pieces(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        if not words:
            return [], []
        found = self._tokenizer.encode(list(words), is_pretokenized=True, add_special_tokens=False)
        positions: list[int] = [-1 if w is None else int(w) for w in found.word_ids]
        return list(found.ids), positions
