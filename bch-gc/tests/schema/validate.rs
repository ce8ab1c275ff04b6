// SPDX-License-Identifier: GPL-2.0-only
//! As much of JSON Schema (draft 2020-12) as our schemas use. A keyword or a pattern
//! that is not known here is an error, so that nothing in a schema is passed over.

use serde_json::Value;

/// Where and why a document does not fit a schema; empty: it does.
pub(crate) fn problems(schema: &Value, doc: &Value) -> Vec<String> {
    let mut all = Vec::new();
    Validator { root: schema }.check(schema, doc, "$", &mut all);
    all
}

/// A schema of ours by the name of its file.
pub(crate) fn stored(file: &str) -> Value {
    let path = format!("{}/../schema/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn check(&self, schema: &Value, doc: &Value, at: &str, bad: &mut Vec<String>) {
        for (keyword, want) in schema.as_object().unwrap_or_else(|| panic!("{schema}")) {
            if !self.holds(schema, keyword, want, doc, at, bad) {
                let text = doc.to_string();
                bad.push(format!("{at}: {keyword} {want} of {}", &text[..text.len().min(80)]));
            }
        }
    }

    fn fits(&self, schema: &Value, doc: &Value, at: &str) -> bool {
        let mut problems = Vec::new();
        self.check(schema, doc, at, &mut problems);
        problems.is_empty()
    }

    /// Whether a keyword holds; what is wrong deeper down is added to the list.
    fn holds(
        &self,
        schema: &Value,
        keyword: &str,
        want: &Value,
        doc: &Value,
        at: &str,
        bad: &mut Vec<String>,
    ) -> bool {
        let len = |n: Option<usize>| n.and_then(|n| u64::try_from(n).ok());
        match keyword {
            "$schema" | "title" | "description" | "$defs" => true,
            "$ref" => {
                let (file, path) = want.as_str().unwrap().split_once('#').unwrap();
                if file.is_empty() {
                    self.check(self.root.pointer(path).expect(path), doc, at, bad);
                } else {
                    let root = &stored(file);
                    Validator { root }.check(root.pointer(path).expect(path), doc, at, bad);
                }
                true
            }
            "anyOf" => want.as_array().unwrap().iter().any(|one| self.fits(one, doc, at)),
            "oneOf" => {
                want.as_array().unwrap().iter().filter(|one| self.fits(one, doc, at)).count() == 1
            }
            "format" => is_of_format(doc, want.as_str().unwrap()),
            "type" => match want {
                Value::String(name) => is(doc, name),
                names => names.as_array().unwrap().iter().any(|n| is(doc, n.as_str().unwrap())),
            },
            "const" => doc == want,
            "enum" => want.as_array().unwrap().contains(doc),
            "minimum" => doc.as_f64().is_none_or(|n| n >= want.as_f64().unwrap()),
            "maximum" => doc.as_f64().is_none_or(|n| n <= want.as_f64().unwrap()),
            "maxLength" => len(doc.as_str().map(|s| s.chars().count())) <= want.as_u64(),
            "minItems" => len(doc.as_array().map(Vec::len)) >= want.as_u64(),
            "maxItems" => len(doc.as_array().map(Vec::len)) <= want.as_u64(),
            "pattern" => doc.as_str().is_none_or(|s| fits(want.as_str().unwrap(), s)),
            "items" => {
                for (i, item) in doc.as_array().into_iter().flatten().enumerate() {
                    self.check(want, item, &format!("{at}[{i}]"), bad);
                }
                true
            }
            "required" => {
                let there = |name: &Value| doc.get(name.as_str().unwrap()).is_some();
                !doc.is_object() || want.as_array().unwrap().iter().all(there)
            }
            "properties" => {
                for (name, value) in doc.as_object().into_iter().flatten() {
                    if let Some(schema) = want.get(name) {
                        self.check(schema, value, &format!("{at}.{name}"), bad);
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(want, &Value::Bool(false));
                doc.as_object()
                    .into_iter()
                    .flatten()
                    .all(|(n, _)| schema["properties"].get(n).is_some())
            }
            other => panic!("the keyword {other} is not known here"),
        }
    }
}

/// Numbers as Rust has them; what is no number has any format.
fn is_of_format(doc: &Value, format: &str) -> bool {
    let unsigned = |max: u64| doc.as_u64().is_some_and(|n| n <= max);
    !doc.is_number()
        || match format {
            "uint8" => unsigned(u8::MAX.into()),
            "uint16" => unsigned(u16::MAX.into()),
            "uint32" => unsigned(u32::MAX.into()),
            "uint64" | "uint" => unsigned(u64::MAX),
            "int32" => doc.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            "int64" => doc.is_i64() || doc.is_u64(),
            "double" => true,
            other => panic!("the format {other} is not known here"),
        }
}

fn is(doc: &Value, name: &str) -> bool {
    match name {
        "null" => doc.is_null(),
        "boolean" => doc.is_boolean(),
        "integer" => doc.is_i64() || doc.is_u64(),
        "number" => doc.is_number(),
        "string" => doc.is_string(),
        "array" => doc.is_array(),
        "object" => doc.is_object(),
        other => panic!("the type {other} is not known here"),
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    let hex = |s: &str| s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let pairs = text.len() % 2 == 0 && hex(text);
    match pattern {
        "^([0-9a-f]{2})*$" => pairs,
        "^([0-9a-f]{2})+$" => pairs && !text.is_empty(),
        "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" => {
            let parts: Vec<usize> = text.split('-').map(str::len).collect();
            parts == [8, 4, 4, 4, 12] && text.split('-').all(hex)
        }
        other => panic!("the pattern {other} is not known here"),
    }
}
