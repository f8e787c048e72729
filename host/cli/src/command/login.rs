//! Logging in and out.
//!
//! The first request asks for the CA and trusts nobody's answer; the fingerprint that the server
//! printed at its first start decides. Only then the token goes over the link.

use crate::client::Client;
use crate::credentials::{self, Credentials};
use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output::Output;
use crate::tls;
use clap::Args;
use muster_api::server::ServerView;
use muster_domain::Digest;
use std::io::IsTerminal as _;

#[expect(clippy::doc_markdown, reason = "what stands here is printed as help")]
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The server: https://HOST:PORT
    server: String,
    /// The administrator's token, or `-` to read it from standard input. If left
    /// out, MUSTER_TOKEN is taken, or it is asked for
    #[arg(long)]
    token: Option<String>,
    /// Digest of the CA's certificate, as the server prints it at its first start. Asked for if
    /// left out; MUSTER_CA_FILE makes it needless
    #[arg(long, value_name = "sha256:…")]
    ca_fingerprint: Option<Digest>,
}

impl Login {
    pub(crate) async fn run(self, out: &Output) -> Result<(), Failure> {
        let server = credentials::address(&self.server)?;
        let token = self.token()?;
        let ca = match credentials::ca_variable()? {
            Some(ca) => ca,
            None => Client::blind(&server)?.text("/ca").await?,
        };
        self.check_ca(&server, &ca)?;
        let credentials = Credentials { server, token, ca };
        let answer = Client::new(&credentials)?.get("/server", &vec![]).await?;
        let view: ServerView = answer.view()?;
        let path = credentials.store()?;
        if out.is_json() {
            return out.json(&answer.raw);
        }
        out.text(&format!(
            "Logged in to {} as {}.",
            credentials.server, view.administrator
        ))?;
        out.note(&format!("The login is kept in {}.", path.display()));
        Ok(())
    }

    fn token(&self) -> Result<String, Failure> {
        let token = match self.token.as_deref() {
            Some("-") => Source::Standard.text()?,
            Some(token) => token.to_owned(),
            None => match credentials::token_variable() {
                Some(token) => token,
                None => input::ask_secret("The administrator's token:")?.ok_or_else(|| {
                    let text =
                        "no token; give it on standard input with --token -, or as MUSTER_TOKEN";
                    Failure::Usage(text.into())
                })?,
            },
        };
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::Usage(
                "the token is empty or has characters that no token has; the server prints it at its first start".into(),
            ));
        }
        Ok(token.to_owned())
    }

    fn check_ca(&self, server: &str, ca: &str) -> Result<(), Failure> {
        let found = tls::fingerprint(ca).map_err(crate::client::ClientError::from)?;
        match self.ca_fingerprint {
            Some(wanted) if wanted == found => Ok(()),
            Some(wanted) => Err(Failure::Client(crate::client::ClientError::Untrusted {
                server: server.to_owned(),
                why: format!("its CA has the fingerprint {found}, not {wanted}"),
                remedy: "either the fingerprint is another server's, or somebody else answers there",
            })),
            None if credentials::ca_variable()?.is_some() => Ok(()),
            None if !std::io::stdin().is_terminal() => Err(Failure::Usage(format!(
                "nobody vouches for the CA of {server}; give --ca-fingerprint with what the server printed at its first start (what answers there has {found})"
            ))),
            None => {
                eprintln!("The CA of {server} has the fingerprint\n  {found}");
                let trusted = input::ask("Is that what the server printed at its first start?")?;
                if trusted {
                    Ok(())
                } else {
                    Err(Failure::Declined)
                }
            }
        }
    }
}

pub(crate) fn logout(out: &Output) -> Result<(), Failure> {
    let forgotten = Credentials::forget()?;
    out.note(if forgotten {
        "Logged out."
    } else {
        "There was no login."
    });
    Ok(())
}
