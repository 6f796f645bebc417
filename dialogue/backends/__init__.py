"""Language models behind one small protocol. None is ever required: see dialogue/follow_up/wording.py."""
