# SPDX-License-Identifier: GPL-2.0-only
"""Times and memory of runs, by benches/timed.c."""

import os
import subprocess
import tempfile


def symbols(program, names):
    """Addresses of functions of a program, as text; those it does not have are left out."""
    ran = subprocess.run(["nm", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True)
    lines = (line.split() for line in ran.stdout.splitlines())
    return {words[2]: words[0] for words in lines if len(words) == 3 and words[2] in names}


class Timer:
    """Measures programs. Times are milliseconds, memory MB."""

    # The function of interest, and the calls that frame its last step: comparing.
    GC, FROM, TO, GENS = "bch2_gc", "bch2_journal_block", "bch2_journal_unblock", "bch2_gc_gens"

    def __init__(self, root, dir):
        self.timed = f"{dir}/timed"
        source = f"{root}/benches/timed.c"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", self.timed, source], check=True)

    def run(self, command, exits, functions, rounds=0):
        """One run, as a list of (what, wall, cpu, peak); raises if it ends otherwise.
        `functions`: addresses by name, to look inside; `rounds`: of the function GENS."""
        at = functions
        with tempfile.NamedTemporaryFile("r") as out:
            addresses = [at.get(name, "0") for name in (self.GC, self.FROM, self.TO)]
            again = at.get(self.GENS, "0") if rounds else "0"
            ran = subprocess.run([self.timed, out.name] + addresses + [again, str(rounds)] + command,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            lines = [line.split() for line in out]
        status = int(lines[-1][4]) if lines and lines[-1][0] == "whole" else None
        if ran.returncode != 0 or status not in ((-9,) if rounds else exits):
            raise SystemExit(f"bench: {' '.join(command)}: exit {status}\n{ran.stderr.decode()}")
        return [(words[0], int(words[1]) / 1e6, int(words[2]) / 1e6, int(words[3]) / 1e3)
                for words in lines]


def drop_caches():
    """Forgets what was read of all files. For root alone."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3")
