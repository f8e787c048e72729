//! `muster plugin verify`: what a server that trusts a key or an identity would say.

use super::files::release;
use super::signers::{Signers, signer};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Output, cell};
use clap::Args;
use jiff::Timestamp;
use muster_domain::application::Limit;
use muster_release::statement::Statement;
use muster_release::trust::{ApplicationPattern, Release};
use serde_json::json;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A bundle, or a component with its statement and signatures beside it
    file: Source,
    #[command(flatten)]
    signers: Signers,
}

impl Verify {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let bundle = release(&self.file)?;
        let bytes = bundle.statement.as_deref().ok_or_else(|| {
            Failure::Refused(format!(
                "{} has no statement that anybody could have signed",
                self.file
            ))
        })?;
        let statement = Statement::parse(bytes)?;
        // To whom an application belongs is for a server to say.
        let application = statement.application.as_str().parse::<ApplicationPattern>();
        let application = application.map_err(|error| Failure::Usage(error.to_string()))?;
        let store = self.signers.store(&[application])?;
        let verified = store
            .verify(&Release::of(&bundle), Timestamp::now())
            .map_err(|refusal| Failure::Refused(format!("{refusal} [{}]", refusal.code())))?;
        let signers: Vec<String> = verified.signers.iter().map(signer).collect();
        if out.is_json() {
            return out.json(&json!({ "statement": statement, "signed_by": verified.signers }));
        }
        let limits = statement.limits.iter();
        let limits: Vec<String> = limits
            .map(|(limit, number): (&Limit, &u32)| format!("{limit} {number} {}", limit.unit()))
            .collect();
        let capabilities: Vec<&str> = statement.capabilities.iter().map(String::as_str).collect();
        let mut fields = vec![
            ("component", cell(statement.digest.to_string())),
            ("application", cell(statement.application.to_string())),
            ("version", cell(statement.version.to_string())),
            (
                "asks for",
                cell(match (capabilities.as_slice(), limits.as_slice()) {
                    ([], []) => "nothing".to_owned(),
                    _ => [capabilities.join(", "), limits.join(", ")]
                        .into_iter()
                        .filter(|asked| !asked.is_empty())
                        .collect::<Vec<_>>()
                        .join("; "),
                }),
            ),
            ("created", cell(out.clock.long(statement.created))),
            ("expires", cell(out.clock.long(statement.expires))),
        ];
        fields.extend(signers.into_iter().map(|by| ("signed by", cell(by))));
        out.fields(fields)
    }
}
