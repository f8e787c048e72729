//! `muster plugin sign`: what is stated of a plug-in, and the signature over it.
//!
//! The command line runs no plug-in, so its vendor says what the plug-in will say of itself. Should
//! the two part, every server refuses the plug-in and tells where.

use super::files::{STATEMENT, beside};
use super::key::SigningKey;
use crate::failure::Failure;
use crate::input::{Source, write_file};
use crate::output::{Output, cell};
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use muster_domain::application::Limit;
use muster_domain::{ApplicationId, Digest};
use muster_release::statement::Statement;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The component
    file: PathBuf,
    #[command(flatten)]
    key: SigningKey,
    /// The application that the plug-in speaks for, such as net.clamav.clamav. Left out, the
    /// statement that lies beside the component is signed
    #[arg(long, value_name = "ID", requires = "plugin_version")]
    application: Option<ApplicationId>,
    /// The plug-in's version, such as 1.2.0
    #[arg(long, value_name = "VERSION", requires = "application")]
    plugin_version: Option<semver::Version>,
    /// A capability that the plug-in asks for; may be given again
    #[arg(long, value_name = "NAME", requires = "application")]
    capability: Vec<String>,
    /// A limit that the plug-in asks to have raised, such as memory=128; may be given again
    #[arg(long, value_name = "NAME=NUMBER", value_parser = limit, requires = "application")]
    limit: Vec<(Limit, u32)>,
    /// For how long the statement holds, such as 90d or 2y
    #[arg(long, value_name = "TIME", default_value = "1y")]
    valid_for: Span,
}

/// `memory=128`.
fn limit(text: &str) -> Result<(Limit, u32), String> {
    let known = || Limit::ALL.map(Limit::name).join(", ");
    let (name, number) = text
        .split_once('=')
        .ok_or_else(|| format!("write NAME=NUMBER, with one of {}", known()))?;
    let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name);
    let limit =
        limit.ok_or_else(|| format!("no limit is named {name:?}; there are {}", known()))?;
    let number = number
        .parse()
        .map_err(|_| format!("{number:?} is no whole number of {}", limit.unit()))?;
    Ok((limit, number))
}

impl Sign {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let digest = Digest::of(Source::File(self.file.clone()).bytes()?);
        let statement_file = beside(&self.file, STATEMENT);
        let (statement, bytes) = match (&self.application, &self.plugin_version) {
            (Some(application), Some(version)) => self.state(digest, application, version)?,
            _ => there(&statement_file, digest)?,
        };
        let comment = format!("{} {}", statement.application, statement.version);
        let signature = self.key.sign(&bytes, &comment)?;
        // The statement first: a signature that is there is never without what it is of.
        write_file(&statement_file, &bytes, 0o644)?;
        let mut files = vec![statement_file];
        if let Some(signature) = signature {
            let file = beside(&self.file, "minisig");
            write_file(&file, &signature, 0o644)?;
            files.push(file);
        }
        let files: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        if out.is_json() {
            let digest = statement.digest;
            return out
                .json(&json!({ "digest": digest, "expires": statement.expires, "files": files }));
        }
        let mut fields = vec![
            ("component", cell(statement.digest.to_string())),
            ("application", cell(statement.application.to_string())),
            ("version", cell(statement.version.to_string())),
            ("expires", cell(out.clock.long(statement.expires))),
        ];
        fields.extend(files.into_iter().map(|file| ("written", cell(file))));
        out.fields(fields)
    }

    fn state(
        &self,
        digest: Digest,
        application: &ApplicationId,
        version: &semver::Version,
    ) -> Result<(Statement, Vec<u8>), Failure> {
        let created = Timestamp::now();
        let expires = created
            .to_zoned_datetime(TimeZone::UTC)
            .checked_add(self.valid_for)
            .map_err(|cause| Failure::Usage(format!("--valid-for leads nowhere: {cause}")))?;
        let capabilities: BTreeSet<String> = self.capability.iter().cloned().collect();
        let limits: BTreeMap<Limit, u32> = self.limit.iter().copied().collect();
        let statement = Statement::new(
            digest,
            application.clone(),
            version.clone(),
            (capabilities, limits),
            created..expires.timestamp(),
        );
        let bytes = statement.to_bytes()?;
        // What no server could read is not worth a signature.
        let statement = Statement::parse(&bytes)?;
        Ok((statement, bytes))
    }
}

/// The statement that is there, if it is of this component.
fn there(file: &std::path::Path, digest: Digest) -> Result<(Statement, Vec<u8>), Failure> {
    if !file.exists() {
        let text = format!(
            "{} is not there: say with --application and --plugin-version what is to be stated",
            file.display()
        );
        return Err(Failure::Usage(text));
    }
    let bytes = Source::File(file.to_owned()).bytes()?;
    let statement = Statement::parse(&bytes)?;
    if statement.digest != digest {
        let text = format!(
            "{} is of another component: say anew with --application and --plugin-version what is to be stated",
            file.display()
        );
        return Err(Failure::Usage(text));
    }
    Ok((statement, bytes))
}
