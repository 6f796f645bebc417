"""The watchdog of the ear: deaf is seen, a cough is not, and people are not nagged. Time comes in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from agent.call.watchdog import RecognitionWatchdog

FRAME = 0.02


def watch(
    dog: RecognitionWatchdog, spans: Iterable[tuple[float, bool, bool]], start: float = 0.0
) -> list[tuple[float, str]]:
    """What it does while (seconds, speaking, understood) follow each other; understood: words once a second."""
    found, now, words = [], start, dog._words
    for seconds, speaking, understood in spans:
        for i in range(round(seconds / FRAME)):
            now += FRAME
            words += understood and i % 50 == 0
            if measure := dog.look(now, speaking, words):
                found.append((round(now, 1), measure))
    return found


def test_speech_that_yields_words_is_left_alone() -> None:
    assert watch(RecognitionWatchdog(), [(60.0, True, True), (5.0, False, False)] * 20) == []


def test_coughs_and_short_noises_are_left_alone() -> None:
    dog = RecognitionWatchdog()
    for at in range(10):
        dog.begin()
        assert watch(dog, [(0.8, True, False), (10.0, False, False)] * 3, at * 100.0) == []


def test_a_deaf_recogniser_is_started_anew_and_then_the_candidate_is_told() -> None:
    found = watch(RecognitionWatchdog(), [(6.0, True, False), (10.0, False, False)])
    assert [measure for _, measure in found] == ["restart", "ask_again"]
    assert 8.0 <= found[0][0] <= 9.0 and found[1][0] <= 12.0


def test_a_recogniser_that_finds_the_words_when_started_anew_is_not_spoken_of() -> None:
    assert [
        m for _, m in watch(RecognitionWatchdog(), [(6.0, True, False), (2.6, False, False), (6.0, False, True)])
    ] == ["restart"]


def test_speech_without_a_pause_is_seen_too() -> None:
    found = watch(RecognitionWatchdog(), [(30.0, True, False)])
    assert [measure for _, measure in found] == ["restart", "ask_again"]


def test_music_for_an_hour_is_spoken_of_three_times_a_minute_apart() -> None:
    found = watch(RecognitionWatchdog(), [(3600.0, True, False)])
    told = [(at, measure) for at, measure in found if measure != "restart"]
    assert [measure for _, measure in told] == ["ask_again", "ask_again", "offer_typing"]
    assert all(b[0] - a[0] >= 60.0 for a, b in itertools.pairwise(told))


def test_what_was_before_the_candidate_had_the_floor_does_not_count() -> None:
    dog = RecognitionWatchdog()
    watch(dog, [(2.9, True, False)])
    dog.begin()
    assert watch(dog, [(2.9, True, False), (5.0, False, False)], 2.9) == []
