// SPDX-License-Identifier: GPL-2.0-only
//! Real images with the original's results: the full corpus where it lies beside
//! the project, else the choice of it in the fixtures; and those fixtures that are
//! not in the corpus. `TEST_IMAGES=fixtures` takes the fixtures alone, where each step
//! of a program is slow.
#![allow(dead_code, reason = "each test uses a part of it")]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One image of a class.
pub(crate) struct Image {
    /// `class/name`.
    pub(crate) name: String,
    dir: PathBuf,
}

/// All images, each once.
pub(crate) fn all() -> Vec<Image> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("../../shared/corpus");
    let fixtures = here.join("../fixtures");
    let few = std::env::var("TEST_IMAGES").is_ok_and(|v| v == "fixtures");
    let roots = if corpus.join("INDEX.md").exists() && !few {
        vec![corpus, fixtures]
    } else {
        vec![fixtures]
    };
    let mut images: Vec<Image> = Vec::new();
    // Those of today have tests of their own.
    let classes = roots.iter().flat_map(|r| folders(r)).filter(|c| !c.ends_with("modern"));
    for class in classes {
        for dir in folders(&class) {
            let part = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
            let name = format!("{}/{}", part(&class), part(&dir));
            if images.iter().all(|i| i.name != name) {
                images.push(Image { name, dir });
            }
        }
    }
    assert!(images.len() >= 50, "only {} images below {roots:?}", images.len());
    images.sort_by(|a, b| a.name.cmp(&b.name));
    images
}

pub(crate) fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).unwrap_or_else(|e| panic!("{}: {e}", of.display()));
    entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect()
}

/// Devices of an image, unpacked; gone with the folder.
pub(crate) struct Unpacked {
    /// The image files, in the order of their number.
    pub(crate) devices: Vec<PathBuf>,
    /// What opens an encrypted one.
    pub(crate) passphrase: Option<String>,
    _folder: tempfile::TempDir,
}

impl Unpacked {
    /// The program with these arguments on the devices; the passphrase is given on
    /// the standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bch-gc"));
        program.args(args).args(&self.devices);
        program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Some(passphrase) = &self.passphrase else { return program.output().unwrap() };
        program.args(["--passphrase-fd", "0"]).stdin(Stdio::piped());
        let mut child = program.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{passphrase}").unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Image {
    /// The one in a folder.
    pub(crate) fn of(name: &str, dir: PathBuf) -> Self {
        Self { name: name.into(), dir }
    }

    /// Unpacks the devices, sparse.
    pub(crate) fn unpack(&self) -> Unpacked {
        let folder = tempfile::tempdir().unwrap();
        let mut devices = Vec::new();
        for n in 0.. {
            let packed = self.dir.join(format!("dev{n}.img.zst"));
            if !packed.exists() {
                break;
            }
            let device = folder.path().join(format!("dev{n}.img"));
            let status = zstd()
                .args(["-dqf", "--long=27", "--sparse"])
                .arg(&packed)
                .arg("-o")
                .arg(&device)
                .status()
                .expect("zstd is needed: apt-get install zstd");
            assert!(status.success(), "{}", packed.display());
            devices.push(device);
        }
        // Degraded sets begin with any number.
        if devices.is_empty() {
            panic!("{}: no device 0", self.name);
        }
        // Nothing but the devices is known of those of today.
        let known = self.dir.join("META.json").exists();
        let passphrase = known.then(|| self.meta()["passphrase"].as_str().map(str::to_string));
        Unpacked { devices, passphrase: passphrase.flatten(), _folder: folder }
    }

    /// Documents of a golden, `None` where there is no such file.
    pub(crate) fn documents(&self, file: &str) -> Option<Vec<Value>> {
        let path = self.dir.join(file);
        if !path.exists() {
            return None;
        }
        let out = zstd()
            .args(["-dcq", "--long=27"])
            .arg(&path)
            .output()
            .expect("zstd is needed: apt-get install zstd");
        assert!(out.status.success(), "{}", path.display());
        let text = String::from_utf8_lossy(&out.stdout);
        Some(text.lines().map(|l| serde_json::from_str(l).unwrap()).collect())
    }

    /// What is known of the image.
    pub(crate) fn meta(&self) -> Value {
        let text = std::fs::read_to_string(self.dir.join("META.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn zstd() -> Command {
    Command::new("zstd")
}

/// Runs `check` on every image, two at a time, and fails with all that it says.
pub(crate) fn each(check: impl Fn(&Image) -> Vec<String> + Sync) {
    let images = all();
    let next = AtomicUsize::new(0);
    let bad = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(image) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = check(image);
                    bad.lock()
                        .unwrap()
                        .extend(found.into_iter().map(|f| format!("{}: {f}", image.name)));
                }
            });
        }
    });
    let mut bad = bad.into_inner().unwrap();
    bad.sort();
    assert!(bad.is_empty(), "{} differences:\n{}", bad.len(), bad.join("\n"));
}
