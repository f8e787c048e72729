//! Problem documents (RFC 9457): what every request that is not carried out is answered with.
//!
//! A [`Problem`] travels as an extension of the response; [`crate::request`] writes it out, when
//! the number of the request is at hand, and logs what only we may know.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use muster_api::problem::{ProblemDocument, TYPE_PREFIX};
use muster_app::AppError;
use muster_domain::chain;
use muster_domain::finding::Finding;
use muster_plugin_host::{CallFailure, Fault, LoadFailure};
use muster_release::registry::RegistryError;
use std::sync::Arc;

/// Why a request was not carried out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Box<str>,
    findings: Box<[Finding]>,
    application: Option<Box<str>>,
    reason: Option<&'static str>,
    retry_after: Option<u32>,
    /// Told in the log alone.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: sentence(&detail.into()).into(),
            findings: Box::default(),
            application: None,
            reason: None,
            retry_after: None,
            cause: None,
        }
    }

    pub(crate) fn not_found(what: &str, name: &str) -> Self {
        let name: String = name.chars().take(200).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("there is no {what} {name:?}"),
        )
    }

    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token-missing", detail)
    }

    pub(crate) fn too_large(what: &str, limit: usize, setting: &str) -> Self {
        let limit = if limit.is_multiple_of(1 << 20) {
            format!("{} MiB", limit >> 20)
        } else {
            format!("{} KiB", limit >> 10)
        };
        let detail = format!("{what} is larger than {limit}, the most that is taken ({setting})");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
    }

    /// Something of ours failed: the cause goes to the log, the caller gets the request's number.
    pub(crate) fn server_fault(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            cause: Some(Arc::new(cause)),
            ..Self::panicked()
        }
    }

    pub(crate) fn panicked() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server-fault",
            "the server failed at this request; its log says more under the request's number",
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What only the log tells: the whole chain of causes.
    pub(crate) fn cause(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| chain(cause.as_ref()))
    }

    /// Writes it out for the request of this number.
    pub(crate) fn write(self, request: &str) -> Response<Body> {
        let document = ProblemDocument {
            r#type: format!("{TYPE_PREFIX}{}", self.code),
            title: title(self.code, self.status).into(),
            status: self.status.as_u16(),
            detail: self.detail.into(),
            findings: self.findings.into_iter().map(Into::into).collect(),
            application: self.application.map(Into::into),
            reason: self.reason.map(Into::into),
            request: Some(request.to_owned()),
        };
        let mut response = Response::new(Body::from(serde_json::json!(document).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer realm=\"muster\"");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let code = error.code();
        let of = |status| Self::new(status, code, chain(&error));
        match error {
            AppError::NotFound { .. } => of(StatusCode::NOT_FOUND),
            AppError::ApplicationWithoutPlugin {
                ref application,
                ref reason,
            } => Self {
                application: Some(application.to_string().into()),
                reason: Some(reason.code()),
                ..of(StatusCode::CONFLICT)
            },
            AppError::UnknownTaskType { .. } | AppError::Invalid { .. } | AppError::Trust(_) => {
                of(StatusCode::UNPROCESSABLE_ENTITY)
            }
            // The administrator who asks is the one who can repair it.
            AppError::TrustUnreadable(_) => of(StatusCode::INTERNAL_SERVER_ERROR),
            AppError::SettingsInvalid { findings } => Self::of_findings("settings", code, findings),
            AppError::FormInvalid { what, findings } => Self::of_findings(what, code, findings),
            AppError::Conflict { .. } => of(StatusCode::CONFLICT),
            AppError::Denied { .. } => of(StatusCode::FORBIDDEN),
            AppError::Bundle(_) => of(StatusCode::UNPROCESSABLE_ENTITY),
            AppError::Registry(ref registry) => of(registry_status(registry)),
            AppError::Plugin(ref call) => Self {
                retry_after: retry_after(&call.failure),
                ..of(plugin_status(call.fault()))
            }
            .or_ours(call.fault(), error),
            AppError::Load(ref load) => match load.fault() {
                Fault::Plugin => of(StatusCode::UNPROCESSABLE_ENTITY),
                fault => Self {
                    retry_after: match &load.reason {
                        LoadFailure::Describe(cause) | LoadFailure::Example { cause, .. } => {
                            retry_after(cause)
                        }
                        _ => None,
                    },
                    ..of(plugin_status(fault))
                }
                .or_ours(fault, error),
            },
            AppError::Storage(_) | AppError::File { .. } if code == "disk-full" => {
                of(StatusCode::INSUFFICIENT_STORAGE)
            }
            AppError::Storage(_) | AppError::File { .. } | AppError::Vault(_) => {
                Self::server_fault(error)
            }
        }
    }
}

impl Problem {
    fn of_findings(what: &str, code: &'static str, findings: Vec<Finding>) -> Self {
        let detail = match findings.as_slice() {
            [one] => format!("the {what} cannot be used: {}", one.text),
            many => format!("the {what} cannot be used: {} findings", many.len()),
        };
        Self {
            findings: findings.into(),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
        }
    }

    /// What is our own fault is told in the log alone, unless waiting helps.
    fn or_ours(self, fault: Fault, error: AppError) -> Self {
        if fault == Fault::Us {
            Self::server_fault(error)
        } else {
            self
        }
    }
}

/// Who asks is told apart from what the registry does: a reference that names nothing is an error of
/// the request, a registry that fails is one behind the server.
fn registry_status(error: &RegistryError) -> StatusCode {
    match error {
        RegistryError::Late { .. } => StatusCode::GATEWAY_TIMEOUT,
        RegistryError::Unreachable { .. }
        | RegistryError::Answer { .. }
        | RegistryError::Elsewhere { .. }
        | RegistryError::Credentials { .. } => StatusCode::BAD_GATEWAY,
        RegistryError::Certificates | RegistryError::Tls(_) | RegistryError::Setup(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        RegistryError::Reference(_)
        | RegistryError::NotFound { .. }
        | RegistryError::TooLarge { .. }
        | RegistryError::Digest { .. }
        | RegistryError::Artifact { .. }
        | RegistryError::Bundle(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn plugin_status(fault: Fault) -> StatusCode {
    match fault {
        // A call is the caller's fault only where it came too early: the server has too much to do.
        Fault::Caller => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Plugin => StatusCode::BAD_GATEWAY,
        Fault::Us => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn retry_after(failure: &CallFailure) -> Option<u32> {
    match failure {
        CallFailure::Busy { retry_after, .. } => Some(
            u32::try_from(retry_after.as_secs())
                .unwrap_or(u32::MAX)
                .max(1),
        ),
        CallFailure::Compiling => Some(2),
        CallFailure::Starved { .. } => Some(5),
        _ => None,
    }
}

/// Errors are parts of sentences; a detail is a whole one.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), characters.as_str())
}

/// The kind of problem for people: the same for every problem of a code.
fn title(code: &str, status: StatusCode) -> &'static str {
    match code {
        "application-without-plugin" => "The application has no loaded management plug-in",
        "unknown-task-type" => "The application has no such task type",
        "settings-invalid" => "The settings cannot be used",
        "plan-outdated" => "The plan was made on a state that has changed since",
        "plan-not-clean" => "The plan needs somebody's word",
        "plugin-downgrade" => "A higher version is at work",
        "plugin-invalid" => "This is no management plug-in",
        "plugin-compiling" => "A management plug-in is being compiled",
        "plugin-fault" => "A management plug-in failed",
        "busy" => "The server is busy",
        "disk-full" => "The server's disk is full",
        "token-missing" | "token-unknown" => "An administrator's token is needed",
        "device-certificate-missing" => "A device's certificate is needed",
        "route-unknown" => "There is nothing at this address",
        "json-invalid" => "The body is no JSON",
        "request-invalid" => "The body is not what is asked for here",
        "body-too-large" => "The body is too large",
        _ => match status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                "The request cannot be used"
            }
            StatusCode::FORBIDDEN => "This is not allowed",
            StatusCode::NOT_FOUND => "There is no such thing",
            StatusCode::METHOD_NOT_ALLOWED => "This cannot be done at this address",
            StatusCode::REQUEST_TIMEOUT => "The request took too long to arrive",
            StatusCode::CONFLICT => "It does not go with how things stand",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body is of another media type",
            StatusCode::SERVICE_UNAVAILABLE => "The server cannot do it now",
            _ => "The server failed",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::Digest;
    use muster_plugin_host::{CallError, Function, LoadError};
    use std::time::Duration;

    fn starved() -> CallFailure {
        CallFailure::Starved {
            limit: Duration::from_millis(250),
            had: 30,
            passed: 1003,
        }
    }

    #[test]
    fn a_starved_call_is_answered_as_the_server_s_being_busy() {
        let asked = AppError::Plugin(CallError {
            application: "org.example.guest".parse().unwrap(),
            version: "1.2.3".parse().unwrap(),
            function: Function::Validate,
            failure: starved(),
        });
        let problem = Problem::from(asked);
        let known = (problem.status, problem.code, problem.retry_after);
        assert_eq!(known, (StatusCode::SERVICE_UNAVAILABLE, "busy", Some(5)));
        for word in [
            "org.example.guest",
            "validate",
            "30 ms",
            "1003 ms",
            "250 ms",
        ] {
            assert!(problem.detail.contains(word), "{}", problem.detail);
        }
        let at_the_gate = Problem::from(AppError::Load(LoadError {
            digest: Digest::of(b""),
            reason: LoadFailure::Describe(starved()),
        }));
        let known = (
            at_the_gate.status,
            at_the_gate.code,
            at_the_gate.retry_after,
        );
        assert_eq!(known, (StatusCode::SERVICE_UNAVAILABLE, "busy", Some(5)));
    }
}
