// SPDX-License-Identifier: GPL-2.0-only
//! Man pages and completions, made of the command line itself.

use crate::{Generated, Result};
use bch_gc::cli::Cli;
use clap::{Command, CommandFactory};
use clap_complete::{Generator, Shell};

const LICENCE: &str = "SPDX-License-Identifier: GPL-2.0-only";

/// One page for the program, one for each command, and completions for three shells.
pub(crate) fn files() -> Vec<Generated> {
    let mut whole = Cli::command();
    whole.build();
    let mut files = vec![page(whole.clone())];
    files.extend(whole.get_subcommands().filter(|c| c.get_name() != "help").cloned().map(page));
    files.push(completion("completions/bch-gc.bash", Shell::Bash));
    files.push(completion("completions/_bch-gc", Shell::Zsh));
    files.push(completion("completions/bch-gc.fish", Shell::Fish));
    files
}

fn page(command: Command) -> Generated {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_string();
    let path = format!("man/{name}.1");
    Generated {
        path,
        make: Box::new(move |_| {
            let man = clap_mangen::Man::new(command.clone()).title(name.clone());
            let man = man.source(concat!("bch-gc ", env!("CARGO_PKG_VERSION")));
            let mut text = format!(".\\\" {LICENCE}\n").into_bytes();
            man.render_title(&mut text)?;
            man.render_name_section(&mut text)?;
            man.render_synopsis_section(&mut text)?;
            man.render_description_section(&mut text)?;
            man.render_options_section(&mut text)?;
            if command.has_subcommands() {
                man.render_subcommands_section(&mut text)?;
            }
            let mut text = String::from_utf8(text)?;
            let behind = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            behind.split("\n\n").for_each(|part| notes(&mut text, part));
            see_also(&mut text, &name);
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
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        // A dot or a quote in the first place would be a request.
        text.push_str(&format!("\\&{line}\n"));
    }
    text.push_str(".fi\n");
}

fn see_also(text: &mut String, name: &str) {
    let own = if name == "bch-gc" { "" } else { "\\fBbch\\-gc\\fR(1), " };
    text.push_str(&format!(".SH SEE ALSO\n{own}\\fBbcachefs\\fR(8), \\fBfsck\\fR(8)\n"));
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
