// SPDX-License-Identifier: GPL-2.0-only
//! Man pages and completions, made of the command line itself.

use crate::roff::escaped;
use crate::{Generated, Result};
use bch_gc::cli::Cli;
use clap::{Command, CommandFactory};
use clap_complete::{Generator, Shell};

const SOURCE: &str = concat!("bch-gc ", env!("CARGO_PKG_VERSION"));
const LICENCE: &str = "SPDX-License-Identifier: GPL-2.0-only";

/// What `make install` puts where, with the prefix that it has by default; `scripts/install`
/// puts in the one that it is given.
const FILES: [(&str, &str); 3] = [
    (
        "/usr/local/share/doc/bch-gc/",
        "findings.md (the same as \\fBbch\\-gc\\-findings\\fR(7)), commands.md (each command with \
         what it prints), reporting.md (output, exit codes, memory), differences.md (from the \
         original)",
    ),
    (
        "/usr/local/share/bch-gc/schema/check.schema.json",
        "the form of what \\fBbch\\-gc check \\-\\-json\\fR prints",
    ),
    (
        "/usr/local/share/bch-gc/schema/progress.schema.json",
        "the form of the lines that \\fB\\-\\-progress\\-fd\\fR writes",
    ),
];

/// One page for the program, one for each command, one about findings, and completions
/// for three shells.
pub(crate) fn files() -> Vec<Generated> {
    // The command `help` needs no page.
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    let mut files = vec![page(whole.clone())];
    files.extend(whole.get_subcommands().cloned().map(page));
    files.push(findings());
    files.push(completion("completions/bch-gc.bash", Shell::Bash));
    files.push(completion("completions/_bch-gc", Shell::Zsh));
    files.push(completion("completions/bch-gc.fish", Shell::Fish));
    files
}

fn page(command: Command) -> Generated {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_string();
    let path = format!("man/{name}.8");
    Generated {
        path,
        make: Box::new(move |_| {
            let man = clap_mangen::Man::new(command.clone()).title(name.clone()).section("8");
            let man = man.source(SOURCE);
            let mut text = format!(".\\\" {LICENCE}\n").into_bytes();
            man.render_title(&mut text)?;
            let mut text = String::from_utf8(text)?;
            let about = command.get_about().ok_or("says nothing about itself")?.to_string();
            text.push_str(&format!(".SH NAME\n{} \\- {}\n", escaped(&name), brief(&about)));
            let mut rest = Vec::new();
            man.render_synopsis_section(&mut rest)?;
            man.render_description_section(&mut rest)?;
            man.render_options_section(&mut rest)?;
            if command.has_subcommands() {
                man.render_subcommands_section(&mut rest)?;
            }
            text.push_str(&String::from_utf8(rest)?);
            let behind = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            behind.split("\n\n").for_each(|part| notes(&mut text, part));
            if command.has_subcommands() {
                text.push_str(".SH FILES\n");
                for (path, what) in FILES {
                    text.push_str(&format!(".TP\n\\fI{}\\fR\n{what}\n", escaped(path)));
                }
            }
            see_also(&mut text, &name);
            tidy(text)
        }),
    }
}

/// What a page is about, on one line, as `apropos` shows it and finds it by.
fn brief(about: &str) -> String {
    let mut chars = about.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    let about: String = first.into_iter().chain(chars).collect();
    let about = about.replace(", without writing to it", "");
    let of = if about.contains("bcachefs") { "" } else { "bcachefs, " };
    escaped(&format!("{about} ({of}read-only)"))
}

/// docs/findings.md as a man page.
fn findings() -> Generated {
    Generated {
        path: "man/bch-gc-findings.7".into(),
        make: Box::new(|root| {
            let page = std::fs::read_to_string(root.join("docs/findings.md"))?;
            let brief = brief("What the findings of bch-gc, and of bcachefs fsck, mean");
            let mut text =
                format!(".\\\" {LICENCE}\n.TH bch\\-gc\\-findings 7 \"\" \"{SOURCE}\"\n");
            text.push_str(&format!(".SH NAME\nbch\\-gc\\-findings \\- {brief}\n"));
            text.push_str(&crate::roff::body(&page)?);
            see_also(&mut text, "bch-gc-findings");
            tidy(text)
        }),
    }
}

/// One paragraph from below the options, its lines as they are.
fn notes(text: &mut String, part: &str) {
    let section = match part.split_whitespace().next() {
        Some("Exit") => "EXIT STATUS",
        Some("Examples:") => "EXAMPLES",
        _ => "NOTES",
    };
    text.push_str(&format!(".SH {section}\n.nf\n"));
    for line in part.lines() {
        // A dot in the first place would be a request.
        text.push_str(&format!("\\&{}\n", escaped(line)));
    }
    text.push_str(".fi\n");
}

fn see_also(text: &mut String, name: &str) {
    let pages = [("bch-gc", 8), ("bch-gc-findings", 7), ("bcachefs", 8), ("fsck", 8)];
    let others = pages.iter().filter(|(page, _)| *page != name);
    let others: Vec<_> = others.map(|(p, s)| format!("\\fB{}\\fR({s})", escaped(p))).collect();
    text.push_str(&format!(".SH SEE ALSO\n{}\n", others.join(", ")));
}

fn completion(path: &str, shell: Shell) -> Generated {
    Generated {
        path: path.into(),
        make: Box::new(move |_| {
            let mut command = Cli::command();
            command.set_bin_name("bch-gc");
            command.build();
            let mut text = Vec::new();
            shell.generate(&command, &mut text);
            let text = String::from_utf8(text)?;
            // The first line of a completion for zsh is what it looks for.
            let head = if shell == Shell::Zsh { String::new() } else { format!("# {LICENCE}\n") };
            tidy(head + &text)
        }),
    }
}

/// Without blanks at ends of lines, and with one newline at the end.
fn tidy(text: String) -> Result<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim_end().to_string() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    // Oracle: what apropos(1) looks for, and that no page refers to itself.
    #[test]
    fn each_page_is_found_and_leads_on() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pages: Vec<_> = files().into_iter().filter(|f| f.path.starts_with("man/")).collect();
        assert!(pages.len() > 8);
        for page in pages {
            let text = (page.make)(root).unwrap();
            let below = |head: &str| {
                let line = text.lines().skip_while(|l| *l != format!(".SH {head}")).nth(1).unwrap();
                line.replace('\\', "")
            };
            let file = page.path.trim_start_matches("man/");
            let (own, section) = file.rsplit_once('.').unwrap();
            let name = below("NAME");
            let about = name.strip_prefix(&format!("{own} - ")).unwrap();
            assert!(about.contains("bcachefs") && about.contains("read-only"), "{name}");
            assert!(about.starts_with(char::is_lowercase), "{name}");
            let also = below("SEE ALSO").replace("fB", "").replace("fR", "");
            let also: Vec<&str> = also.split(", ").collect();
            let mut all = vec!["bch-gc(8)", "bch-gc-findings(7)", "bcachefs(8)", "fsck(8)"];
            all.retain(|p| *p != format!("{own}({section})"));
            assert_eq!(also, all, "{file}");
        }
    }
}
