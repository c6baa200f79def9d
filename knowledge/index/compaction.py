"""Compacting an embedded index: another process rewrites a copy of it, which is swapped in.

The engine keeps what was deleted and replaced until its ``optimize()`` rewrites the segments, and
that holds the interpreter from the first point to the last: 10 s for 30,000 passages on two busy
cores, during which no search would be answered. So it is called on a copy, in a process of its own
that steps back behind others; searches go on meanwhile, and only writes wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from pathlib import Path

import qdrant_edge as edge

_NICE = 10
_CHANGED, _NOTHING_TO_DO = 0, 3


async def compacted(shard: Path, copy: Path) -> bool:
    """Copy a shard that nobody writes to meanwhile, and compact the copy.

    Returns whether there is a copy that is better than the shard. What a failure or a cancellation
    leaves is removed.
    """
    await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)
    process = None
    done = False
    try:
        await asyncio.to_thread(shutil.copytree, shard, copy)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "knowledge.index.compaction", str(copy)
        )
        done = await process.wait() == _CHANGED
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
        if not done:
            await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)
    return done


def main() -> int:
    """Compact the shard in the folder named."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    shard = edge.EdgeShard.load(sys.argv[1])
    changed = shard.optimize()
    shard.flush()
    shard.close()
    return _CHANGED if changed else _NOTHING_TO_DO


if __name__ == "__main__":
    sys.exit(main())
