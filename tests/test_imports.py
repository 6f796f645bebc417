"""No module imports, by whatever way, a module that imports it: whoever reads one has not to read both."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp

PACKAGES = ("agent", "voice", "dialogue", "memory", "prompts", "simulation", "tuning", "vivavoce")


def test_imports_go_in_no_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    modules = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(modules) > 200
    TopologicalSorter(modules).prepare()  # raises CycleError, which names the circle
