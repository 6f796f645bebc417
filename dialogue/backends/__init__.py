"""Language models behind one small protocol. None is ever needed: see dialogue/follow_up/wording.py."""
