//! What stands at the end of a command's help: an example, and what its exit status means where that
//! decides how a script goes on. A test of [`super`] finds commands without one.

pub(crate) const INSTALL: &str = "\
Examples:
  muster plugin install clamav.wasm
  muster plugin install oci://registry.example/clamav:1.2.0@sha256:4f1c...
  muster plugin install scanner.tar --grant files,memory=128 --deny clock

A first plug-in for an application goes to work. One that would replace another, or that asks
for what has no word yet, waits: it is `ready`. Exit status 0 says that it is on the server, at
work or ready; `-o json` has its `state`. Exit status 1 says that it was refused, and nothing
has changed; 3 that a registry has no such release, 4 that it was not reached or refuses who asks.";

#[cfg(feature = "author")]
pub(crate) const NEW: &str = "\
Examples:
  muster plugin new example-scanner
  muster plugin new example-scanner --lang python --application com.example.scanner

The folder must not be there yet. As long as the SDKs are in no registry, the project refers to
the checkout that this program was built from, or to the one of --sdk.";

#[cfg(feature = "author")]
pub(crate) const BUILD: &str = "\
Examples:
  muster plugin build
  muster plugin build plugins/scanner --names --out scanner.wasm

The component is stripped, and has the project's version, authors and licence in it for
registries. What is missing on this machine is told, with how to get it. Exit status 1 says that
it could not be built.";

#[cfg(feature = "author")]
pub(crate) const CHECK: &str = "\
Examples:
  muster plugin check scanner.wasm
  muster plugin check scanner.wasm --cases 2000 --seed 7 --write-cases cases
  muster plugin check scanner.wasm --format sarif > scanner.sarif

The component runs on the engine of servers, with a server's limits. Each rule is explained in
docs/plugins/rules.md. Exit status 1 says that a rule is broken.";

#[cfg(feature = "author")]
pub(crate) const INSPECT: &str = "\
Examples:
  muster plugin inspect scanner.wasm
  muster plugin inspect scanner.tar -o json

No signature is checked here; `muster plugin verify` does. Exit status 1 says that no server would
take the component, and why.";

#[cfg(feature = "author")]
pub(crate) const RUN: &str = "\
Examples:
  muster plugin run scanner.wasm describe
  muster plugin run scanner.wasm validate --task-type scan --set paths[]=/srv
  muster plugin run scanner.wasm translate -t scan --settings scan.json --fact os.package-manager=apt
  muster plugin run scanner.wasm interpret -t scan --report cases/found/report.json
  muster plugin run scanner.wasm translate -t scan --against scanner-1.1.wasm
  muster plugin run scanner.wasm --replay call.json

The answer is what a server gets, after the server's own checks; what the call took is told beside
it. Of a trap the functions are told that led to it, with their names if the component was built
with --names. `muster delivery export-call` writes the file for --replay. Exit status 1 says that
there was no answer, or that two builds answer differently.";

#[cfg(feature = "author")]
pub(crate) const TEST: &str = "\
Examples:
  muster plugin test scanner.wasm
  muster plugin test scanner.wasm plugins/scanner/cases --junit cases.xml
  muster plugin test scanner.wasm --update

Each folder is a case: task.json (task-type, settings, profile) and perhaps report.json in;
verdict.json, command.json and outcome.json out. budget.json, with milliseconds and mebibytes,
says what each call may take. `muster delivery export-report --case` makes a case of what a device
reported. Exit status 1 says that some case is not as its files say.";

#[cfg(feature = "author")]
pub(crate) const FORM: &str = "\
Examples:
  muster plugin form scanner.wasm
  muster plugin form scanner.wasm scan -o json";

#[cfg(feature = "author")]
pub(crate) const DOCS: &str = "\
Example:
  muster plugin docs scanner.wasm --out scanner.md

The plug-in is asked with the first example of each task type which platforms it knows.";

#[cfg(feature = "author")]
pub(crate) const BENCH: &str = "\
Examples:
  muster plugin bench scanner.wasm
  muster plugin bench scanner.wasm --task-type scan -o json

Each task type is asked with its first example. What a device costs is a call about many, shared
among them. Compare ratios rather than times: machines differ.";

#[cfg(feature = "author")]
pub(crate) const DEV: &str = "\
Examples:
  muster plugin dev
  muster plugin dev plugins/scanner --listen 127.0.0.1:8443

It needs muster-server and muster-agent, of the same version as this program. The server is new and
goes when this ends. The device's programs print what the reports of the cases say, unless
--real-programs is given.";

pub(crate) const EXPORT_REPORT: &str = "\
Examples:
  muster delivery export-report 17 pc-7 --file report.json
  muster plugin run scanner.wasm --replay report.json
  muster delivery export-report 17 pc-7 --case cases/found-on-pc-7

What the device's owner would not show to others may be in it: look before you hand it on. Exit
status 1 says that the device has not reported yet.";

pub(crate) const EXPORT_CALL: &str = "\
Examples:
  muster delivery export-call 17 pc-7 --file call.json
  muster plugin run scanner.wasm --replay call.json
  muster delivery export-call 17 pc-7 --function interpret

The call has the component's digest, what it was asked and the limits that it had. What its schema
marks as secret is taken out of the settings, and told. A plug-in is asked about a device as it is
now, if it has not told anything since.";

pub(crate) const LIST: &str = "\
Example:
  muster plugin list";

pub(crate) const SHOW: &str = "\
Example:
  muster plugin show net.clamav.clamav";

pub(crate) const REMOVE: &str = "\
Example:
  muster plugin remove net.clamav.clamav

A terminal is asked first, and told what it leaves; a script is not.";

pub(crate) const REVISIONS: &str = "\
Examples:
  muster plugin revisions net.clamav.clamav
  muster plugin revisions          what is in the gate or was refused, and why";

pub(crate) const PLAN: &str = "\
Example:
  muster plugin plan net.clamav.clamav

For each task: `identical`; `migrated`, its settings are written anew and devices get the same;
`no-devices`, its settings are valid, and as no device in its scope has the application, commands
were not compared; `changed`, devices get something else, with what differs; `uncompared`, it is
valid, and nobody can tell what devices got before; `invalid`, the new revision does not take its
settings. The first three, by the same signer, make a clean plan, which `--auto` puts to work. Exit
status 0 says that there is a plan, whatever it says: `-o json` has `clean`.";

pub(crate) const ACTIVATE: &str = "\
Examples:
  muster plugin activate net.clamav.clamav
  muster plugin activate net.clamav.clamav 4f1c2a77b0d3 --accept 1f0c2a77b0d3

Exit status 1 says that the revision before stays at work: the plan is not without effect and
was not accepted, or was made on a state that has changed since, or the version is lower, or
something that the plug-in asks for has no word yet.";

pub(crate) const ROLLBACK: &str = "\
Examples:
  muster plugin rollback net.clamav.clamav
  muster plugin rollback net.clamav.clamav --to 4f1c2a77b0d3

It needs no network and no plan. Settings that a person changed since the upgrade stay as they
are, and the answer says so. Exit status 1 says that no revision is kept that was at work
before.";

pub(crate) const SHADOW: &str = "\
Examples:
  muster plugin shadow net.clamav.clamav
  muster plugin revisions net.clamav.clamav      how its answers compare
  muster plugin shadow net.clamav.clamav --end";

pub(crate) const GRANT: &str = "\
Example:
  muster plugin grant com.example.scanner files memory=128

What it asks for, and what was said to it, is told by `muster plugin show`. A plug-in that
waited for this word stays ready until `muster plugin activate`. Exit status 1 says that it does
not ask for that, or that this server does not grant so much.";

pub(crate) const WITHDRAW: &str = "\
Example:
  muster plugin withdraw com.example.scanner files

It goes on without. `muster plugin grant` gives it back.";

pub(crate) const HEALTH: &str = "\
Example:
  muster plugin health net.clamav.clamav

Times are upper bounds: half of the calls, and 99 % of them, took no longer. OF LIMIT is how
near the slowest came to the time limit; MEMORY is the most that a call had, and what it may
have. Exit status 1 says that the application has no plug-in at work.";

pub(crate) const KEYGEN: &str = "\
Examples:
  muster plugin keygen vendor.key
  muster plugin keygen ci.key --no-password

Publish the fingerprint that is printed: administrators compare it before they trust the key.
The secret file is of minisign's format, and is never overwritten.";

pub(crate) const SIGN: &str = "\
Examples:
  muster plugin sign clamav.wasm --key vendor.key --application net.clamav.clamav --plugin-version 1.2.0
  muster plugin sign clamav.wasm --key second.key

The second signs the statement that the first one wrote. What is stated has to be what the
plug-in says of itself, or every server refuses it.";

pub(crate) const BUNDLE: &str = "\
Example:
  muster plugin bundle clamav.wasm --out clamav.tar

The bundle is installed as it is, also where no network goes: muster plugin install clamav.tar";

pub(crate) const VERIFY: &str = "\
Examples:
  muster plugin verify clamav.tar --public-key vendor.pub
  muster plugin verify clamav.wasm --trusted-root trusted_root.json --identity dev@vendor.example \\
      --issuer https://accounts.vendor.example

Exit status 0 says that the signature is by the key or identity that you named, and matches.
Exit status 1 says that it is not, and why; a script must stop there.";

pub(crate) const PUSH: &str = "\
Example:
  muster plugin push clamav.wasm oci://registry.example/clamav:1.2.0 --credentials ~/.docker/config.json

The reference that is printed has the digest in it, and names this very release for ever. Exit
status 4 says that the registry was not reached or refuses who asks.";

pub(crate) const PULL: &str = "\
Example:
  muster plugin pull oci://registry.example/clamav:1.2.0 --out clamav.tar

Nothing is trusted by that: `muster plugin verify clamav.tar` says who signed. Exit status 3
says that the registry has no such release, 4 that it was not reached or refuses who asks.";

pub(crate) const TRUST_SHOW: &str = "\
Example:
  muster trust show";

pub(crate) const POLICY: &str = "\
Examples:
  muster trust policy
  muster trust policy pinned

A changed policy holds for what is installed from then on. A wrong signature is refused under
each.";

pub(crate) const KEY_ADD: &str = "\
Example:
  muster trust key add vendor.pub --signer clamav-vendor --application net.clamav.clamav

Compare the fingerprint that is printed with the one that the vendor publishes.";

pub(crate) const KEY_LIST: &str = "\
Example:
  muster trust key list";

pub(crate) const KEY_ROTATE: &str = "\
Example:
  muster trust key rotate 1 new.pub --overlap 30d

`muster trust key list` has the numbers.";

pub(crate) const IDENTITY_ADD: &str = "\
Example:
  muster trust identity add --signer clamav-vendor --application net.clamav.clamav \\
      --issuer https://token.actions.githubusercontent.com \\
      --subject 'https://github.com/example/plugin/.github/workflows/release.yml@refs/tags/*'

It needs a trusted root: `muster trust root set`.";

pub(crate) const IDENTITY_LIST: &str = "\
Example:
  muster trust identity list";

pub(crate) const IDENTITY_ROTATE: &str = "\
Example:
  muster trust identity rotate 2 --issuer https://accounts.vendor.example --subject dev@vendor.example";

pub(crate) const EXPIRE: &str = "\
Examples:
  muster trust key expire 1 --at 2027-01-01T00:00:00Z
  muster trust identity expire 2

`muster trust key list` and `muster trust identity list` have the numbers.";

pub(crate) const REVOKE: &str = "\
Examples:
  muster trust key revoke 1 --reason stolen
  muster trust identity revoke 2 --reason \"the build was taken over\"

A plug-in that nobody else signed is put aside at once, and its tasks cannot be started. This
cannot be undone; a new key is added with `muster trust key add`.";

pub(crate) const CREDENTIAL_REMOVE: &str = "\
Examples:
  muster trust key remove 1
  muster trust identity remove 2

To stop what it signed, revoke it instead.";

pub(crate) const OWNER_SHOW: &str = "\
Example:
  muster trust owner show net.clamav.clamav";

pub(crate) const OWNER_MOVE: &str = "\
Example:
  muster trust owner move net.clamav.clamav new-vendor

What the former owner signed goes on where it runs.";

pub(crate) const OWNER_RELEASE: &str = "\
Example:
  muster trust owner release net.clamav.clamav

What the former owner signed goes on where it runs. Until a signed plug-in sets the next owner, a
policy that admits what nobody signed admits it for this application too.";

pub(crate) const REVOCATIONS_SHOW: &str = "\
Example:
  muster trust revocations show";

pub(crate) const REVOCATIONS_SIGN: &str = "\
Example:
  muster trust revocations sign revoked.json --key vendor.key";

pub(crate) const ROOT_SHOW: &str = "\
Example:
  muster trust root show";

pub(crate) const ROOT_SET: &str = "\
Example:
  muster trust root set trusted_root.json

It is not renewed by itself: set it again when your Sigstore's changes.";

pub(crate) const ROOT_REMOVE: &str = "\
Example:
  muster trust root remove";

pub(crate) const PIN: &str = "\
Example:
  muster trust pin sha256:4f1c...

The digest of a file is told by `sha256sum`; a plug-in that was refused tells its own.";

pub(crate) const UNPIN: &str = "\
Example:
  muster trust unpin sha256:4f1c...

What is installed goes on.";
