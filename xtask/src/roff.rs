// SPDX-License-Identifier: GPL-2.0-only
//! A page of docs/ as the body of a man page. What a man page cannot show is an error,
//! so that nothing is left out unseen.

use crate::Result;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// What stands before the first heading of the second level becomes the description;
/// those of the second and the third level are sections; a row of a table is its first
/// cell with the others below it.
pub(crate) fn body(markdown: &str) -> Result<String> {
    let mut page = Page { text: ".SH DESCRIPTION\n".into(), ..Page::default() };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.event(event)?;
    }
    Ok(page.text)
}

/// Text as it stands on a line of a man page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('…', "...").replace('\'', "\\(aq")
}

#[derive(Default)]
struct Page {
    text: String,
    /// The line, heading or cell that is being put together.
    line: String,
    /// The heads of a table's columns.
    heads: Vec<String>,
    /// Cells of the row so far.
    cells: usize,
    in_head: bool,
    in_item: bool,
}

impl Page {
    fn event(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Start(tag) => self.start(&tag)?,
            Event::End(tag) => self.end(tag)?,
            Event::Text(text) => self.line.push_str(&escaped(&text)),
            Event::Code(text) => self.line.push_str(&format!("\\fB{}\\fR", escaped(&text))),
            Event::SoftBreak => self.line.push('\n'),
            // A comment.
            Event::Html(_) => {}
            other => return Err(format!("no man page can show {other:?}").into()),
        }
        Ok(())
    }

    fn start(&mut self, tag: &Tag<'_>) -> Result<()> {
        match tag {
            Tag::Paragraph if !self.in_item => self.text.push_str(".PP\n"),
            Tag::Paragraph | Tag::Heading { .. } | Tag::List(None) | Tag::HtmlBlock => {}
            Tag::Table(_) | Tag::TableCell => {}
            Tag::Item => {
                self.in_item = true;
                self.text.push_str(".IP \\(bu 2\n");
            }
            Tag::TableHead => {
                self.in_head = true;
                self.heads.clear();
            }
            Tag::TableRow => self.cells = 0,
            Tag::Strong | Tag::Emphasis => self.line.push_str("\\fI"),
            other => return Err(format!("no man page can show {other:?}").into()),
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<()> {
        match tag {
            TagEnd::Heading(HeadingLevel::H1) => self.line.clear(),
            TagEnd::Heading(HeadingLevel::H2) => {
                let title = core::mem::take(&mut self.line);
                self.text.push_str(&format!(".SH {title}\n"));
            }
            TagEnd::Heading(HeadingLevel::H3) => {
                let title = core::mem::take(&mut self.line);
                self.text.push_str(&format!(".SS {title}\n"));
            }
            TagEnd::Paragraph => self.flush(),
            TagEnd::Item => {
                self.flush();
                self.in_item = false;
            }
            TagEnd::Strong | TagEnd::Emphasis => self.line.push_str("\\fR"),
            TagEnd::TableHead => self.in_head = false,
            TagEnd::TableCell if self.in_head => self.heads.push(core::mem::take(&mut self.line)),
            TagEnd::TableCell => self.cell(),
            TagEnd::List(_) | TagEnd::Table | TagEnd::TableRow | TagEnd::HtmlBlock => {}
            other => return Err(format!("no man page can show {other:?}").into()),
        }
        Ok(())
    }

    /// The first cell is a tag; the second explains it; further ones say what they are.
    fn cell(&mut self) {
        match (self.cells, self.heads.get(self.cells)) {
            (0, _) => self.text.push_str(".TP\n"),
            (1, _) | (_, None) => {}
            (_, Some(head)) => self.line.insert_str(0, &format!("{head}: ")),
        }
        if self.cells > 1 {
            self.text.push_str(".br\n");
        }
        self.cells += 1;
        self.flush();
    }

    fn flush(&mut self) {
        for line in core::mem::take(&mut self.line).lines() {
            // A dot in the first place would be a request.
            let guard = if line.starts_with('.') { "\\&" } else { "" };
            self.text.push_str(&format!("{guard}{line}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: man(7), by hand.
    #[test]
    fn what_is_shown_and_what_is_not() {
        let page = "<!-- a -->\n# T\n\nOne `a-b`\n**two**.\n\n## S\n\n- x\n  y\n\n### n-m\n.z\\\\ …\n\n\
                    | c | d | do |\n| --- | --- | --- |\n| `q` | r | s |\n";
        let want = ".SH DESCRIPTION\n.PP\nOne \\fBa\\-b\\fR\n\\fItwo\\fR.\n.SH S\n.IP \\(bu 2\nx\ny\n\
                    .SS n\\-m\n.PP\n\\&.z\\e ...\n.TP\n\\fBq\\fR\nr\n.br\ndo: s\n";
        assert_eq!(body(page).unwrap(), want);
        for other in ["```\na\n```", "> a", "1. a", "[a](b)", "![a](b)"] {
            assert!(body(other).is_err(), "{other}");
        }
    }
}
