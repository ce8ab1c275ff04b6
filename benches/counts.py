# SPDX-License-Identifier: GPL-2.0-only
"""Instructions, counted by callgrind."""

import re
import subprocess
import tempfile


def count(command, inside=None, exits=(0,)):
    """Instructions of a program: of all of it, or inside one of its functions, with
    what that calls. Raises if the program ends otherwise."""
    # Who spins for a read must not keep the thread that reads from its turn.
    valgrind = ["valgrind", "--tool=callgrind", "--fair-sched=try"]
    if inside:
        valgrind.append(f"--toggle-collect={inside}")
    with tempfile.TemporaryDirectory() as dir:
        valgrind.append(f"--callgrind-out-file={dir}/out")
        ran = subprocess.run(valgrind + command, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, errors="replace")
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode not in exits or not found:
        raise RuntimeError(f"{' '.join(command)}: exit {ran.returncode}\n{ran.stderr}")
    return int(found[1])
