# SPDX-License-Identifier: GPL-2.0-only
"""The images that are measured: generated ones, kept in a folder, and given ones."""

import glob
import hashlib
import os
import shutil
import subprocess

# Presets of gc-image-write, with the space they take on disk in MB.
PRESETS = {
    "e100k": 2, "e1m": 17, "e4m": 68, "e16m": 270, "e4mseq": 68, "ino": 146, "frag": 33,
    "n128k": 69, "n64k": 71, "n32k": 69, "e4m4d": 198,
    "b4m": 1, "b16m": 1, "b24m": 4, "b32m": 4, "b24mseq": 4, "b32mseq": 4, "b100m": 4, "b1g": 4,
}
# `all` is these; those beyond are asked for by name.
ALL = [name for name in PRESETS if name not in ("b100m", "b1g")]
QUICK = ["e100k", "e1m", "frag", "b4m"]


class Image:
    """A file system: a name and the files of its devices."""

    def __init__(self, name, files, nodes=None):
        self.name = name
        self.files = files
        self.nodes = nodes
        # A given one may have what mark and sweep does not look for, and `fsck` does.
        self.exits = (0,) if nodes else (0, 4)

    def warm(self, program):
        """Brings what a check reads into memory."""
        subprocess.run([program, "check", "--quiet"] + self.files, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)

    def digest(self):
        """Of what the files hold, wherever there are no holes."""
        sha = hashlib.sha256()
        for file in self.files:
            with open(file, "rb") as f:
                end = 0
                while (start := _seek(f, end, os.SEEK_DATA)) is not None:
                    end = _seek(f, start, os.SEEK_HOLE)
                    sha.update(f"{start} {end}".encode())
                    f.seek(start)
                    while f.tell() < end:
                        sha.update(f.read(min(1 << 20, end - f.tell())))
        return sha.hexdigest()


def _seek(f, at, whence):
    """Where the next data or hole is; None behind the last data."""
    try:
        return os.lseek(f.fileno(), at, whence)
    except OSError:
        return None


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
    return [_made(name, f"{dir}/{name}") for name in names]


def _made(name, dir):
    """What the generator wrote: beside the image stands what it said of it."""
    with open(f"{dir}/made-by", encoding="utf-8") as f:
        nodes = int(f.read().split()[1])
    return Image(name, sorted(glob.glob(f"{dir}/dev.*")), nodes)


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
