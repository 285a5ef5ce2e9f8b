"""``doctor``: what works here, step by step, and what to do about the rest."""

from __future__ import annotations

import argparse
import contextlib
import sys

from imsg_sdk.cli import reading, rows
from imsg_sdk.cli.hints import in_words_of_the_shell
from imsg_sdk.cli.source import NO_MAC, add_source_options, open_client
from imsg_sdk.cli.terminal import Style, pad, safe

__all__ = ["add"]


def add(commands: reading.Commands) -> None:
    """Add the command ``doctor``."""
    parser = reading.new_command(
        commands,
        "doctor",
        "check what works here; exit code 1 if something does not",
        "  imsg-sdk doctor\n  imsg-sdk doctor --cli-path /opt/homebrew/bin/imsg\n  imsg-sdk doctor --db chat.db --json",
    )
    add_source_options(parser)
    parser.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    with contextlib.closing(open_client(arguments)) as client:  # entering it would connect, and raise
        report = client.doctor()
    if arguments.json:
        rows.write_json(report.to_dict())
        return 0 if report.ok else 1
    style = Style.of(sys.stdout)
    marks = {"ok": style.green("✓"), "failed": style.red("✗"), "warning": style.yellow("!")}
    widest = max(len(step.name) for step in report.steps)
    for step in report.steps:
        print(f"{marks.get(step.state, style.dim('·'))} {style.bold(pad(step.name, widest))}  {safe(step.detail)}")
        if step.remedy:
            print(f"  {'':{widest}}  → {safe(in_words_of_the_shell(step.remedy))}")
    if sys.platform != "darwin" and report.steps[0].state == "failed":
        print(f"\nimsg itself runs on a Mac only, and this is not one.\n{NO_MAC}")
    return 0 if report.ok else 1
