//! `update-databases`: brings the signature databases up to date with `freshclam`.
//!
//! The updater wants a configuration file; it reads one from its standard input as well, so nothing
//! is written on the device. [`report`] reads the result.

mod report;

use crate::{container, linux_only, path};
use muster_sdk::{
    Command, Findings, JsonSchema, Outcome, Profile, Refusal, Report, Secret, Step, Task, TaskType,
    at, task_type,
};
use serde::Deserialize;

/// Endings that the updater takes for databases.
const DATABASES: [&str; 21] = [
    "cvd", "cld", "cud", "hdb", "hdu", "hsb", "hsu", "mdb", "mdu", "msb", "msu", "ndb", "ndu",
    "ldb", "ldu", "cdb", "fp", "sfp", "ign2", "yara", "pdb",
];

/// The task type.
pub(crate) struct UpdateDatabases;

/// Where databases come from, and where they go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(
    title = "Update databases",
    extend("allOf" = [
        {
            "if": { "properties": { "source": { "const": "mirror" } }, "required": ["source"] },
            "then": { "required": ["mirrors"] }
        },
        {
            "if": { "properties": { "source": { "const": "urls" } }, "required": ["source"] },
            "then": { "required": ["urls"] }
        }
    ])
)]
pub(crate) struct Settings {
    /// Where databases come from: official, ClamAV's own servers; mirror, servers of yours that hold
    /// copies of them; urls, single databases of any kind.
    #[serde(default)]
    source: Source,
    /// For the source mirror: the servers, tried in this order.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 10),
        inner(length(max = 1000), regex(pattern = r#"^https?://[^\s"]+$"#)),
        example = ["https://mirror.example.org/clamav"]
    )]
    mirrors: Vec<String>,
    /// # Database URLs
    /// For the source urls: one database each, whose last part is its file name.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 20),
        inner(length(max = 1000), regex(pattern = r#"^(https?|file)://[^\s"]+$"#)),
        example = ["https://updates.example.org/own.cud"]
    )]
    urls: Vec<String>,
    /// Where databases are kept. It is made if need be.
    #[serde(default = "folder")]
    #[schemars(length(min = 1, max = 4096))]
    database_folder: String,
    /// The account that the updater works as, and that owns the database folder; the distribution's
    /// choice if not given.
    #[schemars(
        length(max = 64),
        regex(pattern = r"^[A-Za-z_][A-Za-z0-9_.-]*$"),
        example = "clamav",
        example = "root"
    )]
    account: Option<String>,
    /// # Notify the daemon
    /// Configuration file of a clamd that is told to load new databases.
    #[schemars(length(min = 1, max = 4096), example = "/etc/clamav/clamd.conf")]
    notify_daemon: Option<String>,
    /// # Certificates
    /// Files on the device, for servers that ask for a client's certificate or have a certificate of an
    /// authority of your own.
    #[serde(default)]
    tls: Tls,
}

fn folder() -> String {
    container::FOLDER.into()
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Source {
    #[default]
    Official,
    Mirror,
    Urls,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Tls {
    /// File with the certificates of the authorities to trust, PEM.
    #[schemars(length(min = 1, max = 4096))]
    authorities: Option<String>,
    /// # Client certificate
    /// File with the device's certificate, PEM.
    #[schemars(length(min = 1, max = 4096))]
    certificate: Option<String>,
    /// # Client key
    /// File with the certificate's private key, PEM.
    #[schemars(length(min = 1, max = 4096))]
    key: Option<String>,
    /// # Password of the key
    /// Name of the secret in the server's vault that opens the key.
    key_password: Option<Secret>,
}

impl Settings {
    /// The databases whose version can be asked for afterwards.
    fn containers(&self) -> Vec<&str> {
        match self.source {
            Source::Official | Source::Mirror => container::OFFICIAL.to_vec(),
            Source::Urls => {
                let names = self.urls.iter().map(|url| file_name(url));
                names.filter(|name| container::is_container(name)).collect()
            }
        }
    }
}

impl Task for UpdateDatabases {
    const ID: &'static str = "update-databases";
    type Settings = Settings;

    fn describe(&self) -> TaskType {
        task_type(
            Self::ID,
            "Update databases",
            "Brings the signature databases up to date, from ClamAV's servers or yours, with freshclam.",
        )
        .example("Official databases", "{}")
        .example(
            "A mirror of your own",
            r#"{"source": "mirror", "mirrors": ["https://mirror.example.org/clamav"]}"#,
        )
        .example(
            "Databases of your own, with the device's certificate",
            r#"{
                "source": "urls",
                "urls": ["https://updates.example.org/own.cud", "https://updates.example.org/own.ndb"],
                "tls": {
                    "authorities": "/etc/muster/ca.pem",
                    "certificate": "/etc/muster/device.pem",
                    "key": "/etc/muster/device.key"
                }
            }"#,
        )
        .raises(&report::UPDATED)
        .raises(&report::FAILED)
    }

    fn validate(&self, settings: &Settings, findings: &mut Findings) {
        check_source(settings, findings);
        let mirror = |index| at!(settings.mirrors[index]);
        check_urls(&settings.mirrors, &mirror, findings);
        check_urls(&settings.urls, &|index| at!(settings.urls[index]), findings);
        check_databases(settings, findings);
        check_files(settings, findings);
        check_tls(settings, findings);
    }

    fn translate(&self, settings: &Settings, profile: &Profile) -> Result<Command, Refusal> {
        linux_only(profile)?;
        let mut steps = vec![freshclam(settings)];
        let ask = |name: &str| container::ask(&settings.database_folder, name);
        steps.extend(settings.containers().into_iter().map(ask));
        Ok(steps.into())
    }

    fn interpret(&self, _: &Settings, report: &Report) -> Outcome {
        report::outcome(report)
    }
}

fn freshclam(settings: &Settings) -> Step {
    let mut step = Step::run("freshclam").args(["--config-file=/dev/stdin", "--stdout"]);
    if settings.source == Source::Urls {
        step = step.arg("--update-db=custom");
    }
    let tls = &settings.tls;
    for (name, file) in [
        ("CURL_CA_BUNDLE", &tls.authorities),
        ("FRESHCLAM_CLIENT_CERT", &tls.certificate),
        ("FRESHCLAM_CLIENT_KEY", &tls.key),
    ] {
        if let Some(file) = file {
            step = step.env(name, file);
        }
    }
    if let Some(password) = &tls.key_password {
        step = step.env_secret("FRESHCLAM_CLIENT_KEY_PASSWD", password);
    }
    step.input(configuration(settings))
        .keep(8192, 8192)
        .keep_lines(
            r"^\S+ (updated|is up-to-date) \(version: |^ERROR: |^Update failed for ",
            500,
        )
}

/// The updater's configuration. Values were checked to hold neither quotes nor line breaks.
fn configuration(settings: &Settings) -> String {
    let mut text = format!("DatabaseDirectory \"{}\"\n", settings.database_folder);
    let mut add = |name: &str, value: &str| {
        for part in [name, " \"", value, "\"\n"] {
            text.push_str(part);
        }
    };
    if let Some(account) = &settings.account {
        add("DatabaseOwner", account);
    }
    if let Some(file) = &settings.notify_daemon {
        add("NotifyClamd", file);
    }
    match settings.source {
        Source::Official => add("DatabaseMirror", "database.clamav.net"),
        Source::Mirror => {
            settings
                .mirrors
                .iter()
                .for_each(|mirror| add("PrivateMirror", mirror));
            add("DNSDatabaseInfo", "no");
        }
        Source::Urls => {
            settings
                .urls
                .iter()
                .for_each(|url| add("DatabaseCustomURL", url));
            // Never asked, but without any server the updater does not begin.
            add(
                "PrivateMirror",
                settings.urls.first().map_or("127.0.0.1", |url| server(url)),
            );
            add("DNSDatabaseInfo", "no");
        }
    }
    text
}

/// `https://host:port` of a URL; the device itself for files.
fn server(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let length = url.split_at(begin).1.find('/').unwrap_or(url.len() - begin);
    if length == 0 {
        "127.0.0.1"
    } else {
        url.split_at(begin + length).0
    }
}

/// The last part of a URL's path.
fn file_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn check_source(settings: &Settings, findings: &mut Findings) {
    for (pointer, name, list, used) in [
        (
            at!(settings.mirrors),
            "mirrors",
            &settings.mirrors,
            settings.source == Source::Mirror,
        ),
        (
            at!(settings.urls),
            "urls",
            &settings.urls,
            settings.source == Source::Urls,
        ),
    ] {
        if used && list.is_empty() {
            findings.error(
                pointer,
                "source-missing",
                format!("The chosen source needs {name}, and none is given."),
            );
        } else if !used && !list.is_empty() {
            findings.warning(
                pointer,
                "source-unused",
                format!("The chosen source does not use {name}."),
            );
        }
    }
}

fn check_urls(urls: &[String], pointer: &dyn Fn(usize) -> String, findings: &mut Findings) {
    for (index, url) in urls.iter().enumerate() {
        let place = || pointer(index);
        if url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"') {
            findings.error(
                place(),
                "url-not-plain",
                "The URL holds blanks, quotes or control characters; write them percent-encoded.",
            );
        }
        if urls.iter().take(index).any(|other| other == url) {
            findings.warning(
                place(),
                "url-twice",
                format!("{url} stands in the list twice."),
            );
        }
        if url.starts_with("http://") {
            findings
                .warning(
                    place(),
                    "url-not-encrypted",
                    format!("{url} can be read and changed on its way; prefer https."),
                )
                .param("url", url);
        }
    }
}

fn check_databases(settings: &Settings, findings: &mut Findings) {
    let urls = &settings.urls;
    for (index, url) in urls.iter().enumerate() {
        let name = file_name(url);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if !DATABASES.contains(&ending) {
            findings
                .error(
                    at!(settings.urls[index]),
                    "url-not-a-database",
                    format!("{name:?} is no name of a database; it ends with .cud, .ndb, .hdb or the like."),
                )
                .param("name", name);
        } else if urls
            .iter()
            .take(index)
            .any(|other| other != url && file_name(other) == name)
        {
            findings
                .error(
                    at!(settings.urls[index]),
                    "database-name-twice",
                    format!("Two URLs end with {name}; one would overwrite the other."),
                )
                .param("name", name);
        }
    }
}

fn check_files(settings: &Settings, findings: &mut Findings) {
    let tls = &settings.tls;
    let files = [
        (
            at!(settings.database_folder),
            Some(&settings.database_folder),
        ),
        (at!(settings.notify_daemon), settings.notify_daemon.as_ref()),
        (at!(settings.tls.authorities), tls.authorities.as_ref()),
        (at!(settings.tls.certificate), tls.certificate.as_ref()),
        (at!(settings.tls.key), tls.key.as_ref()),
    ];
    for (pointer, file) in files {
        let Some(file) = file else { continue };
        if path::check(file, &|| pointer.clone(), findings) && file.contains('"') {
            findings.error(
                pointer,
                "path-with-quotes",
                "The updater cannot read a path with quotes.",
            );
        }
    }
}

fn check_tls(settings: &Settings, findings: &mut Findings) {
    let tls = &settings.tls;
    let (certificate, key) = (tls.certificate.is_some(), tls.key.is_some());
    let needs = [
        (
            at!(settings.tls.certificate),
            ("certificate", certificate),
            ("key", key),
        ),
        (
            at!(settings.tls.key),
            ("key", key),
            ("certificate", certificate),
        ),
        (
            at!(settings.tls.key_password),
            ("key-password", tls.key_password.is_some()),
            ("key", key),
        ),
    ];
    for (pointer, (name, given), (other, other_given)) in needs {
        if given && !other_given {
            findings
                .error(
                    pointer,
                    "tls-incomplete",
                    format!("The {name} is of no use without {other}; give both."),
                )
                .param("missing", other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_what_stands_before_the_path() {
        assert_eq!(server("https://a:1/b/c.cud"), "https://a:1");
        assert_eq!(server("https://a"), "https://a");
        assert_eq!(server("file:///srv/c.cud"), "127.0.0.1");
        assert_eq!(file_name("file:///srv/c.cud"), "c.cud");
    }
}
