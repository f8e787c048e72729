//! What `wit-bindgen` makes of `wit/v1`. Types are made once, in [`base`]; the optional interfaces
//! have worlds of their own, so that a plug-in exports them only if it says so.

/// Everything that every plug-in has, and the types of the contract.
#[expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated; the documentation stands in wit/v1"
)]
pub mod base {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        world: "management-plugin",
        pub_export_macro: true,
        export_macro_name: "export_base",
        generate_unused_types: true,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        additional_type_attributes: {
            "muster:plugin/types@1.0.0/finding": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/types@1.0.0/level": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/types@1.0.0/failure": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/description": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/limit": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/task-type": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/task-kind": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/application-state": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/mark": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/event-type": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/describe@1.0.0/severity": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/validate@1.0.0/verdict": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/profile": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/command": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/step": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/value": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/meaning": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/progress-role": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/kept-output": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/translate@1.0.0/refusal": [#[serde(rename_all = "kebab-case")]],
        },
    });
}

/// The optional interface `interpret`.
#[expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated; the documentation stands in wit/v1"
)]
pub mod interpret {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        inline: "package muster:sdk; world interprets { export muster:plugin/interpret@1.0.0; }",
        pub_export_macro: true,
        export_macro_name: "export_interpret",
        generate_unused_types: true,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        additional_type_attributes: {
            "muster:plugin/interpret@1.0.0/report": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/interpret@1.0.0/step-report": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/interpret@1.0.0/step-end": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/interpret@1.0.0/outcome": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/interpret@1.0.0/outcome-status": [#[serde(rename_all = "kebab-case")]],
            "muster:plugin/interpret@1.0.0/event": [#[serde(rename_all = "kebab-case")]],
        },
        with: { "muster:plugin/types@1.0.0": crate::bindings::base::muster::plugin::types },
    });
}

/// The optional interface `migrate`.
#[expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated; the documentation stands in wit/v1"
)]
pub mod migrate {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        inline: "package muster:sdk; world migrates { export muster:plugin/migrate@1.0.0; }",
        pub_export_macro: true,
        export_macro_name: "export_migrate",
        with: { "muster:plugin/types@1.0.0": crate::bindings::base::muster::plugin::types },
    });
}

/// What a plug-in may import beyond `log`. What it does not call is not imported.
#[expect(
    missing_docs,
    clippy::pedantic,
    reason = "generated; the documentation stands in wit/v1"
)]
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        inline: "package muster:sdk; world imports { import muster:plugin/data@1.0.0; import muster:plugin/files@1.0.0; import muster:plugin/clock@1.0.0; import muster:plugin/random@1.0.0; }",
        generate_unused_types: true,
        additional_derives: [PartialEq],
        generate_all,
        with: { "muster:plugin/types@1.0.0": crate::bindings::base::muster::plugin::types },
    });
}
