"""python -m tuning.reader rows OUT [--data FOLDER] [--followqg FILE] | export RUN ENCODER ROWS"""

from __future__ import annotations

import argparse
from pathlib import Path

from tuning.reader.rows import rows_of, write_rows

DATA = Path(__file__).resolve().parents[1] / "data" / "reading"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tuning.reader", description="The embedded reader's own model.")
    commands = parser.add_subparsers(dest="command", required=True)
    rows = commands.add_parser("rows", help="write the training rows of the labelled answers")
    rows.add_argument("out", type=Path)
    rows.add_argument("--data", type=Path, default=DATA)
    rows.add_argument("--followqg", type=Path, default=None, help="followqg.csv: its labels are ours, its text is not")
    export = commands.add_parser("export", help="write a trained model into the package")
    export.add_argument("run", type=Path)
    export.add_argument("encoder", type=Path)
    export.add_argument("rows", type=Path, help="the rows it was trained on: the held-back part sets the thresholds")
    asked = parser.parse_args()
    if asked.command == "rows":
        print(f"{write_rows(rows_of(asked.data, asked.followqg), asked.out)} rows in {asked.out}")
    else:
        from tuning.reader.export import export_to  # needs torch and onnx

        print(export_to(asked.run, asked.encoder, asked.rows))


if __name__ == "__main__":
    main()
