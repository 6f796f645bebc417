"""Terms are explained in the words of the pack's author, or not at all."""

from __future__ import annotations

from dialogue.understanding.glossary import explained

GLOSSARY = {
    "ward": "A part of a hospital.",
    "ward round": "The doctors' walk from bed to bed.",
    "handover": "The talk at the change of shift.",
}
QUESTION = "How do you prepare for the handover?"


def test_the_term_that_was_asked_about_is_explained() -> None:
    assert explained(GLOSSARY, "What do you mean by handover?", QUESTION) == GLOSSARY["handover"]
    assert explained(GLOSSARY, "What are handovers?", QUESTION) == GLOSSARY["handover"], "in any form"
    assert explained(GLOSSARY, "What is a ward?", QUESTION) == GLOSSARY["ward"], "also one that is not in the question"


def test_the_longest_term_is_meant() -> None:
    assert explained(GLOSSARY, "What is a ward round?", QUESTION) == GLOSSARY["ward round"]


def test_without_a_name_it_is_the_only_term_of_the_question() -> None:
    assert explained(GLOSSARY, "What does that mean?", QUESTION) == GLOSSARY["handover"]
    assert explained(GLOSSARY, "What does that mean?", "How is the handover on your ward?") == "", "one of two"
    assert explained(GLOSSARY, "What does that mean?", "How are you?") == ""


def test_what_is_in_no_glossary_is_not_explained() -> None:
    assert explained(GLOSSARY, "What is a stethoscope?", "How do you listen to a heart?") == ""
    assert explained({}, "What is a ward?", QUESTION) == ""
