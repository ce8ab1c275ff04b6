# SPDX-License-Identifier: GPL-2.0-only
"""The images that are measured: generated ones, kept in a folder, and given ones."""

import glob
import hashlib
import os
import shutil
import subprocess

# Presets of gc-image-write, with the space they take on disk in MB.
PRESETS = {
    "e100k": 4, "e1m": 35, "e4m": 140, "e16m": 550, "e4mseq": 140, "ino": 160, "frag": 80,
    "n128k": 140, "n64k": 150, "n32k": 150, "e4m4d": 400,
    "b4m": 2, "b16m": 2, "b24m": 7, "b32m": 7, "b100m": 7, "b1g": 7,
}
# `all` is these; those beyond are asked for by name.
ALL = [name for name in PRESETS if name not in ("b100m", "b1g")]
QUICK = ["e100k", "e1m", "frag", "b4m"]


class Image:
    """A file system: a name and the files of its devices."""

    def __init__(self, name, files):
        self.name = name
        self.files = files

    def warm(self, program):
        """Brings what a check reads into memory."""
        subprocess.run([program, "check", "--quiet"] + self.files, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)

    def key(self):
        """Changes with the files."""
        said = [f"{file} {os.stat(file).st_size} {os.stat(file).st_mtime_ns}"
                for file in self.files]
        return f"{self.name} {hashlib.sha256(' '.join(said).encode()).hexdigest()[:16]}"


def _generator(root):
    """Digest of what decides how a generated image looks."""
    sha = hashlib.sha256()
    for path in sorted(glob.glob(f"{root}/gc-image-write/src/**/*.rs", recursive=True)):
        with open(path, "rb") as f:
            sha.update(f.read())
    return sha.hexdigest()


def generated(names, dir, root, mkimage):
    """The images of these names, made where they are not there yet. Raises SystemExit,
    before anything is made, if the disk has no room."""
    for name in names:
        if name not in PRESETS:
            raise SystemExit(f"bench: no image is called {name}: quick, all, or of "
                             f"{' '.join(PRESETS)}")
    by = _generator(root)

    def there(name):
        try:
            with open(f"{dir}/{name}/made-by", encoding="utf-8") as f:
                return f.readline().strip() == by
        except OSError:
            return False

    missing = [name for name in names if not there(name)]
    need = sum(PRESETS[name] for name in missing)
    os.makedirs(dir, exist_ok=True)
    free = shutil.disk_usage(dir).free // 1_000_000
    if need * 2 > free:
        raise SystemExit(f"bench: {' '.join(missing)} take {need} MB, of which {dir} should have "
                         f"twice as much free; it has {free} MB. BENCH_DIR: another place; "
                         "BENCH: fewer images")
    for name in missing:
        shutil.rmtree(f"{dir}/{name}", ignore_errors=True)
        os.makedirs(f"{dir}/{name}")
        print(f"making {name}", flush=True)
        said = subprocess.run([mkimage, name, f"{dir}/{name}/dev"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        with open(f"{dir}/{name}/made-by", "w", encoding="utf-8") as f:
            f.write(f"{by}\n{said}")
    return [Image(name, sorted(glob.glob(f"{dir}/{name}/dev.*"))) for name in names]


def given(text):
    """Images from `NAME=FILE[,FILE...] ...`."""
    images = []
    for word in text.split():
        name, _, files = word.partition("=")
        images.append(Image(name, files.split(",")))
        for file in images[-1].files:
            if not os.path.exists(file):
                raise SystemExit(f"bench: {file}: no such image (IMAGES: NAME=FILE[,FILE...] ...)")
    return images
