// SPDX-License-Identifier: GPL-2.0-only
//! File systems that a command does not read, and that nobody may be told are none: those
//! of today, and those whose superblock is not where it should be.

mod images;

use images::Image;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const ONLY_2020: &str = "this version reads the format of 2020 only, but for `bch-gc state`";
/// What `bcachefs show-super` of today's tools says of `fixtures/modern/empty-256m`.
const EMPTY: &str = "bcachefs 1.39, member 0 of 1, UUID dfa49e55-25fc-43ac-b9dc-629e5ef361dc";
const MAGIC: [u8; 16] = [
    0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d, 0x81,
];

/// Exit code, and what the program says of a device, which it names first.
fn said(args: &[&str], device: &Path) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_bch-gc")).args(args).arg(device).output().unwrap();
    assert!(out.stdout.is_empty(), "{args:?} {}", device.display());
    let text = String::from_utf8(out.stderr).unwrap();
    let head = format!("bch-gc: {}: ", device.display());
    let line = text.strip_prefix(&head).unwrap_or_else(|| panic!("{args:?}: {text}"));
    (out.status.code(), line.trim_end().to_string())
}

fn refused(device: &Path) -> String {
    let (code, text) = said(&["check"], device);
    assert_eq!(code, Some(8), "{text}");
    text
}

fn write(device: &Path, sector: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(device).unwrap();
    file.write_all_at(bytes, sector * 512).unwrap();
}

/// The fixture of today.
fn today() -> (images::Unpacked, PathBuf) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/modern/empty-256m");
    let unpacked = Image::of("modern/empty-256m", dir).unpack();
    let device = unpacked.devices[0].clone();
    (unpacked, device)
}

// Oracle: what today's own tool says of the image, and its own superblock's layout: copies at
// sectors 8, 2056 and 522240.
#[test]
fn an_image_of_today() {
    let (_unpacked, device) = today();
    let whole = (Some(8), format!("{EMPTY}; {ONLY_2020}"));
    for args in [
        &["check"][..],
        &["check", "-q", "--metadata-only"],
        &["check", "--json"],
        &["explain", "0:9"],
        &["explain", "--all-findings"],
        &["lost"],
        &["plan"],
        &["coalesce"],
        &["map"],
        &["gens"],
    ] {
        assert_eq!(said(args, &device), whole, "{args:?}");
    }
    // The version counts, not the magic.
    write(&device, 8, &[&[0; 16][..], &[0x27, 4, 0x27, 4], &[0; 4], &MAGIC].concat());
    assert_eq!(said(&["check"], &device), whole);
    let copy = |damaged: &str, sector: u64| {
        format!("{EMPTY}; {ONLY_2020} ({damaged}; a copy is at sector {sector})")
    };
    let first = "the superblock at sector 8 is damaged";
    let both = "the superblock at sector 8 and the list of its copies at sector 7 are damaged";
    write(&device, 8, &[0; 4096]);
    assert_eq!(refused(&device), copy(first, 2056));
    write(&device, 2056, &[0; 4096]);
    assert_eq!(refused(&device), copy(first, 522_240));
    write(&device, 7, &[0; 512]);
    assert_eq!(refused(&device), copy(both, 522_240));
    write(&device, 522_240, &[0; 4096]);
    assert!(refused(&device).starts_with("not a bcachefs file system ("));
}

// Oracle: docs/facts/superblock.md: where the copies of 2020 lie; the original gives up too.
#[test]
fn an_image_of_2020_without_superblock_and_list() {
    let image = images::all().into_iter().find(|i| i.name == "clean/fresh-64M").unwrap();
    let unpacked = image.unpack();
    let device = &unpacked.devices[0];
    let name =
        Command::new(env!("CARGO_BIN_EXE_bch-gc")).arg("check").arg(device).output().unwrap();
    assert_eq!(name.status.code(), Some(0));
    write(device, 7, &[0; 512 + 4096]);
    let text = refused(device);
    assert!(text.starts_with("bcachefs 0.11, member 0 of 1, UUID "), "{text}");
    let end = "; not read: the superblock at sector 8 and the list of its copies at sector 7 are \
               damaged, and this version does not use the copy at sector 136";
    assert!(text.ends_with(end), "{text}");
}

// Oracle: where the file system was put.
#[test]
fn a_file_system_in_a_partition() {
    let (_unpacked, device) = today();
    let disk = device.with_file_name("disk");
    let bytes = std::fs::read(&device).unwrap();
    std::fs::write(&disk, &bytes[..0]).unwrap();
    write(&disk, 2048, &bytes[..16 << 20]);
    let text = refused(&disk);
    let want = format!(
        "no file system at its beginning, but {EMPTY}, whose superblock for sector 8 is at sector \
         2056: it begins at sector 2048, as in a partition or a file"
    );
    assert_eq!(text, want);
}

/// A line of what the tool says of a superblock.
fn line<'a>(text: &'a str, head: &str) -> &'a str {
    let line = text.lines().find_map(|l| l.strip_prefix(head));
    line.unwrap_or_else(|| panic!("no {head} in {text}")).trim()
}

/// Unpacks an archive of the corpus of today.
fn unpack(archive: &Path, to: &Path) {
    let mut tar = Command::new("tar");
    tar.args(["--use-compress-program=zstd -d --long=27", "--sparse", "-xf"]).arg(archive);
    let status = tar.arg("-C").arg(to).status().expect("tar is needed: apt-get install tar");
    assert!(status.success(), "{} (zstd is needed: apt-get install zstd)", archive.display());
}

// Oracle: what today's own tool says of the first device of each image.
#[test]
fn images_of_today_that_are_beside_the_project() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/modern");
    if !corpus.join("INDEX.md").exists() {
        return;
    }
    let mut chosen = Vec::new();
    for class in ["clean", "damaged", "degraded", "unclean"] {
        let mut images = images::folders(&corpus.join(class));
        images.sort();
        let step = images.len().div_ceil(4);
        chosen.extend(images.iter().step_by(step).cloned());
        chosen.extend(images.into_iter().filter(|i| i.to_string_lossy().contains("damaged/sb-")));
    }
    assert!(chosen.len() >= 20, "{chosen:?}");
    let mut devices = 0;
    for image in chosen {
        let folder = tempfile::tempdir().unwrap();
        let (disks, texts) = (folder.path().join("disks"), folder.path().join("texts"));
        std::fs::create_dir(&disks).unwrap();
        std::fs::create_dir(&texts).unwrap();
        unpack(&image.join("devs.tar.zst"), &disks);
        unpack(&image.join("outs.tar.zst"), &texts);
        // The tool finds no copy of this one; it was made of the same image as the other.
        if image.ends_with("sb-layout-zero") {
            unpack(&image.with_file_name("sb-only-last").join("outs.tar.zst"), &texts);
        }
        let shown = std::fs::read_to_string(texts.join("show-super.txt")).unwrap();
        let uuid = line(&shown, "External UUID:");
        let version = line(&shown, "Version:");
        let version = version.rsplit_once('(').unwrap().1.trim_end_matches(')');
        let members = line(&shown, "Devices:");
        let mut files: Vec<_> =
            std::fs::read_dir(&disks).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for (nr, file) in files.iter().enumerate() {
            let text = refused(file);
            devices += 1;
            let told = text.split_once("; ").unwrap();
            assert!(told.1.starts_with(ONLY_2020), "{text}");
            let (id, of) = told.0.split_once(" of ").unwrap();
            assert_eq!(of, format!("{members}, UUID {uuid}"), "{}", image.display());
            let idx: usize =
                id.strip_prefix(&format!("bcachefs {version}, member ")).unwrap().parse().unwrap();
            assert!(nr > 0 || idx == line(&shown, "Device index:").parse::<usize>().unwrap());
            let end = match &*image.file_name().unwrap().to_string_lossy() {
                "sb-layout-zero" => "; a copy is at sector 2056)",
                "sb-only-last" => "; a copy is at sector 522240)",
                _ => ONLY_2020,
            };
            assert!(text.ends_with(end), "{}: {text}", image.display());
        }
    }
    assert!(devices > 20, "{devices}");
}
