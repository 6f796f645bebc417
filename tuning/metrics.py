"""Metrics for generated questions. Each names its source; libraries do the counting where there is one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from dialogue.analysis.language import tokens


def distinct(texts: Sequence[str], n: int) -> float:
    """distinct-n: distinct n-grams over all n-grams (Li et al. 2016). Falls as text grows: compare like with like."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = tokens(text)
        grams.update(zip(*(words[i:] for i in range(n)), strict=False))
    return len(grams) / grams.total() if grams else 0.0


def self_bleu(texts: Sequence[str], most: int = 200) -> float:
    """Self-BLEU-4, 0..100 (Zhu et al. 2018, Texygen): each text against the others; high means all are alike.

    Uses only the first `most` texts, because the cost is quadratic.
    """
    from sacrebleu.metrics import BLEU

    some = list(texts[:most])
    if len(some) < 2:
        return 0.0
    metric = BLEU(effective_order=True, lowercase=True)
    scores = [metric.sentence_score(text, some[:i] + some[i + 1 :]).score for i, text in enumerate(some)]
    return float(sum(scores) / len(scores))


def sentence_bleu(hypothesis: str, references: Sequence[str]) -> float:
    """BLEU-4 of one sentence with effective order (sacrebleu), 0..100: the input to the paired tests."""
    from sacrebleu.metrics import BLEU

    return float(BLEU(effective_order=True, lowercase=True).sentence_score(hypothesis, list(references)).score)


def bleu_signature(n: int = 4) -> str:
    """sacrebleu's signature, which makes a BLEU score comparable."""
    from sacrebleu.metrics import BLEU

    metric = BLEU(max_ngram_order=n, lowercase=True, effective_order=False)
    metric.corpus_score(["a b"], [["a b"]])
    return str(metric.get_signature())


def bleu(hypotheses: Sequence[str], references: Sequence[Sequence[str]], n: int) -> float:
    """Corpus BLEU up to n-grams (Papineni et al. 2002) by sacrebleu, 0..100; several references each."""
    from sacrebleu.metrics import BLEU

    most = max(len(r) for r in references)
    columns = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
    return float(
        BLEU(max_ngram_order=n, lowercase=True, effective_order=False).corpus_score(list(hypotheses), columns).score
    )


def rouge(hypotheses: Sequence[str], references: Sequence[Sequence[str]], kind: str = "rougeL") -> list[float]:
    """ROUGE F1 of each (Lin 2004) by rouge-score with stemming, against the nearest reference, 0..100.

    `kind`: rouge1, rouge2 or rougeL.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], use_stemmer=True)
    return [
        100.0 * max(scorer.score(reference, hypothesis)[kind].fmeasure for reference in group)
        for hypothesis, group in zip(hypotheses, references, strict=True)
    ]


def rouge_l(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean ROUGE-L F1, 0..100."""
    found = rouge(hypotheses, references)
    return sum(found) / len(found) if found else 0.0


def meteor(hypothesis: str, references: Sequence[str]) -> float:
    """METEOR (Banerjee & Lavie 2005) by nltk, 0..100; exact words and stems only: synonyms need WordNet, a download."""
    from nltk.translate.meteor_score import meteor_score

    return 100.0 * float(meteor_score([tokens(r) for r in references], tokens(hypothesis), wordnet=_NoSynonyms()))


class _NoSynonyms:
    def synsets(self, word: str) -> list[str]:
        return []


def exact_match(hypothesis: str, references: Sequence[str]) -> bool:
    """Equal to a reference except for case, punctuation and spaces."""
    return tokens(hypothesis) in [tokens(r) for r in references]


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share (Wilson 1927), two-sided 95 % unless `z` says otherwise; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    p = right / n
    centre = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n))
