//! From a module to a component.

use wit_component::ComponentEncoder;

/// Why a module cannot become a component.
#[derive(Debug, thiserror::Error)]
#[error(
    "the module cannot be made a component: {0}. It has to hold the contract's types, as `wit-bindgen` puts them there, and to export its functions"
)]
pub struct EncodeError(String);

/// Makes a component of a module that was built for `wasm32-unknown-unknown` and holds the contract's
/// types, as `wit-bindgen` puts them there. The same module gives the same bytes.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, EncodeError> {
    ComponentEncoder::default()
        .module(module)
        .and_then(ComponentEncoder::encode)
        .map_err(|error| EncodeError(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_becomes_a_component_and_rubbish_does_not() {
        let module = wat::parse_str("(module)").unwrap();
        let component = encode(&module).unwrap();
        assert!(wasmparser::Parser::is_component(&component));
        assert_eq!(component, encode(&module).unwrap());
        let refused = encode(b"#!/bin/sh").unwrap_err().to_string();
        assert!(refused.contains("cannot be made a component"), "{refused}");
    }
}
