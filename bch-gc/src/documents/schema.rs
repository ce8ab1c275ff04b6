// SPDX-License-Identifier: GPL-2.0-only
//! JSON schemas of the documents.

use super::{
    Check, Coalesce, Code, Explain, FindingName, Format, Gens, GensState, Lost, Map, Plan,
    Progress, StateRun,
};
use gc_v0::report;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;

/// Title and schema of each document, by the name of its file.
#[must_use]
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("check", of::<Check<'static>>("bch-gc check --json")),
        ("codes", codes()),
        ("coalesce", of::<Coalesce>("bch-gc coalesce --json")),
        ("explain", of::<Explain>("bch-gc explain --json")),
        ("gens", of::<GensState<'static>>("bch-gc gens --json")),
        ("gens-summary", of::<Gens>("bch-gc gens --summary --json")),
        ("lost", of::<Lost>("bch-gc lost --json")),
        ("map", of::<Map>("bch-gc map --json")),
        ("plan", of::<Plan>("bch-gc plan --json")),
        ("progress", of::<Progress>("bch-gc --progress-fd")),
        ("state", of::<StateRun<'static>>("bch-gc state")),
    ]
}

fn of<T: JsonSchema>(title: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with_transform(RecursiveTransform(join_lines));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema
}

/// A description is a doc comment: where its lines break means nothing.
fn join_lines(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

impl<const N: u32> JsonSchema for Format<N> {
    fn schema_name() -> Cow<'static, str> {
        format!("Format{N}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": N })
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "$ref": "codes.schema.json#/$defs/code" })
    }
}

impl JsonSchema for FindingName {
    fn schema_name() -> Cow<'static, str> {
        "FindingName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "$ref": "codes.schema.json#/$defs/name" })
    }
}

/// The codes, which the other schemas refer to, so that a new one changes one file.
fn codes() -> Schema {
    let numbers: Vec<u32> = report::Code::ALL.iter().map(|code| code.number()).collect();
    let names: Vec<&str> = report::Code::ALL.iter().map(|code| code.name()).collect();
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Codes of findings",
        "$defs": {
            "code": { "description": "Stable number of a finding.", "enum": numbers },
            "name": {
                "description": "Stable name of a finding, in the order of the numbers; \
                                bch-gc-findings(7) says what each means.",
                "enum": names,
            },
        },
    })
}
