"""What a start leaves undone."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from backend.cli.loading import loading

LATER = {"alembic", "dbos", "llama_index", "nicegui", "qdrant_client", "torch", "transformers"}


def test_a_server_is_imported_without_what_it_may_never_use() -> None:
    told = "import json, sys, backend.cli.serving; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "fastapi" in loaded
    assert not loaded & LATER


def test_garbage_is_collected_again_after_loading() -> None:
    gc.unfreeze()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="broken"), loading():
        raise ValueError("broken")
    assert gc.isenabled()
    assert gc.get_freeze_count()
    gc.unfreeze()
