"""Writes prompts/schemas/report.schema.json from the report's model: `make schema`. A test fails when it is stale."""

from __future__ import annotations

import json
from typing import Any

from dialogue.report_model import Report
from prompts.loader import FOLDER


def report_schema() -> dict[str, Any]:
    """JSON Schema of a report, as written to the file."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    target = FOLDER / "schemas" / "report.schema.json"
    target.write_text(json.dumps(report_schema(), indent=2) + "\n", "utf-8")
    print(target)
