"""The JSDoc types of the modules hold, by TypeScript's strict check."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import widget

FOLDER = Path(widget.__file__).parent
COMPILER = FOLDER / "node_modules" / ".bin" / "tsc"


@pytest.mark.skipif(
    not COMPILER.exists(), reason="TypeScript is not installed: npm install --prefix widget"
)
def test_types() -> None:
    checked = subprocess.run([COMPILER], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
