"""Make a persona's clips with flite: `python -m simulation.render sam`. Run it after editing its lines."""

from __future__ import annotations

import sys

import soundfile

from simulation.script import load_script, persona_path
from simulation.speech import CLIPS, clip_path, flite


def main(name: str) -> None:
    """Write a clip per sentence and remove those that no line uses any more."""
    script = load_script(persona_path(name))
    wanted = {clip_path(script.voice, s): s for line in script.all_lines() for s in line.segments if isinstance(s, str)}
    for old in (CLIPS / script.voice).glob("*.ogg"):
        if old not in wanted:
            old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, flite(script.voice, text), 16_000, format="OGG", subtype="OPUS")
        print(path.name, text)


if __name__ == "__main__":
    main(sys.argv[1])
