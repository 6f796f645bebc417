"""Make a persona's clips with flite: `python -m simulation.render sam`. Run this after editing its lines."""

from __future__ import annotations

import sys
from pathlib import Path

import soundfile

from simulation.script import Script, load_script, persona_path
from simulation.speech import CLIPS, clip_path, flite


def clips_of(script: Script) -> dict[Path, str]:
    """The path of each sentence's clip, and the sentence."""
    lines = script.all_lines()
    return {clip_path(script.voice, s): s for line in lines for s in line.segments if isinstance(s, str)}


def main(name: str) -> None:
    """Write a clip per sentence, and remove those of its voice that no persona uses any more."""
    script = load_script(persona_path(name))
    wanted = clips_of(script)
    others = [load_script(path) for path in persona_path(name).parent.glob("*.yaml")]
    used = wanted.keys() | {path for other in others for path in clips_of(other)}
    for old in (CLIPS / script.voice).glob("*.ogg"):
        if old not in used:
            old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, flite(script.voice, text), 16_000, format="OGG", subtype="OPUS")
        print(path.name, text)


if __name__ == "__main__":
    main(sys.argv[1])
