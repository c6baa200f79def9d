"""The example of the LlamaIndex page runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.backend.cli.conftest import Candor

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "returns.md").write_text("# Returns\n\nGoods can be returned within 30 days.\n")
    (folder / "hours.md").write_text("# Hours\n\nThe shop is open on weekdays.\n")
    candor = Candor(tmp_path / "data")
    assert candor("add", folder, "--kb", "shop").code == 0
    page = (ROOT / "docs" / "llamaindex.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    done = subprocess.run(
        [sys.executable, "-c", example],
        env=candor.environment({}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, *_, last = [line for line in done.stdout.splitlines() if line]
    assert re.fullmatch(
        r"[01]\.\d{3} upload:///handbook/returns\.md \{'sparse': 1, 'dense': 1\}", first
    ), done.stdout
    assert last == "2 passages, Returns first"
