//! The places where the programs may be killed, as their sources name them.

use anyhow::{Context as _, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// The places that no run passes; they have tests of their own.
pub const ELSEWHERE: [&str; 55] = [
    "agent.assignment-committed",
    "agent.edited-committed",
    "agent.occurrence-before-commit",
    "agent.occurrence-committed",
    "agent.retry-committed",
    "agent.rights-committed",
    "agent.secrets-taken",
    "agent.user-before-commit",
    "agent.user-committed",
    "agent.welcomed",
    "agent.windows-committed",
    "approve.before-commit",
    "assign.before-commit",
    "assign.committed",
    "dispatch.wanted-committed",
    "enroll.before-commit",
    "install.before-commit",
    "install.committed",
    "install.component-kept",
    "install.task-renewed",
    "keep.before-delete",
    "member.before-commit",
    "member.step-before-commit",
    "objects.before-commit",
    "objects.task-written",
    "occur.before-commit",
    "occur.committed",
    "occur.followed-before-commit",
    "quarantine.committed",
    "quarantine.recovered",
    "remove.before-commit",
    "remove.committed",
    "report.later-before-commit",
    "report.own-committed",
    "rollout.before-commit",
    "secret.before-commit",
    "secret.given-before-commit",
    "server.keys-made",
    "submit.before-commit",
    "trust.credential-written",
    "trust.owner-release-written",
    "trust.owner-written",
    "trust.policy-written",
    "trust.quarantined",
    "trust.revocations-committed",
    "trust.revocations-written",
    "trust.revoked-written",
    "trust.rotation-written",
    "user.before-commit",
    "user.committed",
    "user.told",
    "vault.key-made",
    "vault.next-key-made",
    "vault.rotate-before-commit",
    "vault.rotated",
];

/// Every name that is given to `muster_crash_point::reach` in the sources of the programs.
pub fn places() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host");
    read(&host, &mut names)?;
    Ok(names)
}

fn read(path: &Path, names: &mut BTreeSet<String>) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).with_context(unreadable)? {
            read(&entry.with_context(unreadable)?.path(), names)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let text = std::fs::read_to_string(path).with_context(unreadable)?;
        for rest in text.split("crash_point::reach(\"").skip(1) {
            let (name, _) = rest.split_once('"').with_context(unreadable)?;
            names.insert(name.to_owned());
        }
    }
    Ok(())
}
