"""Measures of generated questions. Each names its source; the libraries do the counting where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dialogue.language import tokens


def distinct(texts: Sequence[str], n: int) -> float:
    """distinct-n: different n-grams over all n-grams (Li et al. 2016). Falls with the amount of text: compare like with like."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = tokens(text)
        grams.update(zip(*(words[i:] for i in range(n)), strict=False))
    return len(grams) / grams.total() if grams else 0.0


def bleu(hypotheses: Sequence[str], references: Sequence[Sequence[str]], n: int) -> float:
    """Corpus BLEU up to n-grams (Papineni et al. 2002) by sacrebleu, 0..100; several references each."""
    from sacrebleu.metrics import BLEU

    most = max(len(r) for r in references)
    columns = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
    return float(
        BLEU(max_ngram_order=n, lowercase=True, effective_order=False).corpus_score(list(hypotheses), columns).score
    )


def rouge_l(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean ROUGE-L F1 (Lin 2004) by rouge-score, against the nearest reference, 0..100."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    best = [
        max(scorer.score(reference, hypothesis)["rougeL"].fmeasure for reference in group)
        for hypothesis, group in zip(hypotheses, references, strict=True)
    ]
    return 100.0 * sum(best) / len(best) if best else 0.0
