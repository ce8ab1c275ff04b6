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
                let path = want.as_str().unwrap().strip_prefix('#').unwrap();
                self.check(self.root.pointer(path).expect(path), doc, at, bad);
                true
            }
            "anyOf" => want.as_array().unwrap().iter().any(|one| {
                let mut deeper = Vec::new();
                self.check(one, doc, at, &mut deeper);
                deeper.is_empty()
            }),
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
