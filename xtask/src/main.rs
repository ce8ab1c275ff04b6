// SPDX-License-Identifier: GPL-2.0-only
//! Makes the files that are generated and checked in, or verifies that they are
//! what would be made now.
//!
//! usage: `cargo xtask generate | check`

mod pages;
mod roff;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How a file is made, given the root of the project.
type Make = Box<dyn Fn(&Path) -> Result<String>>;

/// A generated file.
struct Generated {
    path: String,
    make: Make,
}

/// Folders that hold nothing but generated files.
const FOLDERS: [&str; 3] = ["man", "completions", "schema"];

fn files() -> Vec<Generated> {
    let mut files = Vec::new();
    let mut one = |path: &str, make: fn(&Path) -> Result<String>| {
        files.push(Generated { path: path.into(), make: Box::new(make) });
    };
    one("gc-host-sys/src/bindings.rs", bindings);
    one("gc-model/capi/src/header.rs", model_bindings);
    one("include/bch_gc.h", exports);
    one("include/bch_gc_layout.h", layout);
    files.extend(pages::files());
    files.extend(schemas());
    files
}

/// JSON schemas of the documents that the program prints, made of their types.
fn schemas() -> Vec<Generated> {
    let schema = |(name, schema): (&str, schemars::Schema)| Generated {
        path: format!("schema/{name}.schema.json"),
        make: Box::new(move |_| Ok(serde_json::to_string_pretty(&schema)? + "\n")),
    };
    bch_gc::documents::schema::all().into_iter().map(schema).collect()
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let run = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate"] => generate,
        ["check"] => check,
        _ => {
            eprintln!("usage: cargo xtask generate | check");
            return ExitCode::from(16);
        }
    };
    match root().and_then(|root| run(&root)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().ok_or("xtask has no parent folder")?.to_path_buf())
}

fn generate(root: &Path) -> Result<()> {
    for file in files() {
        let text = (file.make)(root).map_err(|e| format!("{}: {e}", file.path))?;
        let path = root.join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            std::fs::write(&path, text).map_err(|e| format!("{}: {e}", file.path))?;
            println!("{}", file.path);
        }
    }
    for path in left_over(root)? {
        std::fs::remove_file(root.join(&path)).map_err(|e| format!("{path}: {e}"))?;
        println!("{path} (removed)");
    }
    Ok(())
}

/// Files in folders of generated files that nothing makes any more.
fn left_over(root: &Path) -> Result<Vec<String>> {
    let made: Vec<String> = files().into_iter().map(|f| f.path).collect();
    let mut left = Vec::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(root.join(folder))? {
            let path = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !made.contains(&path) {
                left.push(path);
            }
        }
    }
    Ok(left)
}

fn check(root: &Path) -> Result<()> {
    let mut stale = Vec::new();
    for path in left_over(root)? {
        stale.push(format!("{path} (nothing makes it)"));
    }
    for file in files() {
        let text = (file.make)(root).map_err(|e| format!("{}: {e}", file.path))?;
        let have = std::fs::read_to_string(root.join(&file.path))
            .map_err(|e| format!("{}: {e}", file.path))?;
        if have != text {
            let line = have
                .lines()
                .zip(text.lines())
                .position(|(a, b)| a != b)
                .unwrap_or_else(|| have.lines().count().min(text.lines().count()));
            stale.push(format!("{} (from line {})", file.path, line + 1));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("not fresh, run `cargo xtask generate`: {}", stale.join(", ")).into())
}

/// Rust declarations of what a header declares under these prefixes.
fn declarations(
    root: &Path,
    header: &str,
    functions: &str,
    numbers: &str,
) -> Result<bindgen::Builder> {
    let path = root.join(header);
    Ok(bindgen::Builder::default()
        .header(path.to_str().ok_or("path is not UTF-8")?)
        // REUSE-IgnoreStart
        .raw_line("// SPDX-License-Identifier: GPL-2.0-only")
        // REUSE-IgnoreEnd
        .raw_line(format!("//! Generated from `{header}`; its comments are the documentation."))
        .raw_line("#![allow(missing_docs, non_camel_case_types, non_upper_case_globals)]")
        .allowlist_function(functions)
        .allowlist_type(functions)
        .allowlist_var(numbers)
        .use_core()
        .ctypes_prefix("core::ffi")
        .size_t_is_usize(true)
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .generate_comments(false)
        .layout_tests(true)
        .rust_target(bindgen::RustTarget::stable(85, 0).map_err(|e| e.to_string())?)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .disable_header_comment()
        // The same text whatever rustfmt is at hand, or none.
        .formatter(bindgen::Formatter::Prettyplease))
}

/// Rust declarations of what a host provides.
fn bindings(root: &Path) -> Result<String> {
    let numbers = "(GC_HOST|BCH_GC_HOST)_.*";
    let all = declarations(root, "include/bch_gc_host.h", "gc_host_.*", numbers)?;
    Ok(all.generate()?.to_string())
}

/// Rust declarations of what the model offers to C.
fn model_bindings(root: &Path) -> Result<String> {
    let header = "include/bch_gc_model.h";
    let all = declarations(root, header, "bch_gc_model.*", "BCH_GC_MODEL_.*")?
        .raw_line("use gc_host_sys::{bch_dev, bch_fs, journal_keys};")
        .blocklist_type("bch_dev|bch_fs|journal_keys");
    Ok(all.generate()?.to_string())
}

/// The header of what the library exports.
fn exports(root: &Path) -> Result<String> {
    let krate = root.join("gc-ffi");
    let config = cbindgen::Config::from_file(krate.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new()
        .with_src(krate.join("src/exports.rs"))
        .with_config(config)
        .generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    // gnu89 with -pedantic knows no such comments.
    Ok(String::from_utf8(text)?
        .replace("// __cplusplus", "/* __cplusplus */")
        .replace("// extern \"C\"", "/* extern \"C\" */"))
}

/// The header of layout assertions.
fn layout(_root: &Path) -> Result<String> {
    let mut text = String::new();
    gc_core::layout::header::write_header(&mut text)?;
    Ok(text)
}
