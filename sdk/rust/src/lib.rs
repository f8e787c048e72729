//! .
#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
wit_bindgen::generate!({ path: "../../wit/v1", world: "full-management-plugin", pub_export_macro: true, export_macro_name: "export_full", default_bindings_module: "muster_plugin_sdk" });
