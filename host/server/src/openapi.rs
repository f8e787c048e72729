//! The interface as an `OpenAPI` 3.1 document, made from the handlers.

use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa::{Modify, OpenApi as _};

/// What the document says beside the handlers.
pub(crate) struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An administrator's token: `muster-admin-…`."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
        document.security = Some(vec![SecurityRequirement::new("token", [] as [&str; 0])]);
    }
}

static TEXT: LazyLock<String> =
    LazyLock::new(|| serde_json::json!(crate::router::Document::openapi()).to_string());

/// The document.
pub(crate) fn text() -> &'static str {
    &TEXT
}
