//! Trust: what is admitted under each policy, whose an application is, what a revocation does to
//! what runs, and that a store that cannot be read refuses everything.
//!
//! Each thing that can be wrong with a release by itself is tried in `host/release/tests`.

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use muster_api::plugin::PluginView;
use muster_api::trust::{CredentialView, OwnerView, RevocationsView, TrustView};
use muster_domain::Digest;
use muster_flows::{CLAMAV, CRASH_AT, clamav_of_version, killed, scan, system_with_clamav};
use muster_release::revocation::RevocationList;
use muster_test_harness::{Answer, Client, TestSystem, Vendor};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

const VERSION: &str = env!("CARGO_PKG_VERSION");

async fn put(client: &Client, path: &str, body: Value) -> Result<Answer> {
    client
        .send(client.request(Method::PUT, path).json(&body))
        .await
}

async fn set_policy(client: &Client, policy: &str) -> Result<()> {
    let answer = put(client, "/trust/policy", json!({ "policy": policy })).await?;
    ensure!(answer.status == 204, "{}", answer.text());
    Ok(())
}

async fn trust(client: &Client, vendor: &Vendor, name: &str) -> Result<CredentialView> {
    let body = json!({
        "signer": name,
        "key": vendor.public_key(),
        "applications": [CLAMAV],
    });
    client.post("/trust/credentials", &body).await?.ok()
}

fn clamav(system: &TestSystem) -> Result<Vec<u8>> {
    let file = system.programs.plugin("clamav")?;
    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}

async fn plugin(client: &Client) -> Result<PluginView> {
    client.get(&format!("/plugins/{CLAMAV}")).await
}

/// Changes the database of a server that was stopped, behind its back.
async fn change_database(system: &TestSystem, change: &str) -> Result<()> {
    let file = SqliteConnectOptions::new().filename(system.server.data().join("muster.db"));
    let mut connection = file.connect().await?;
    let change = sqlx::AssertSqlSafe(change.to_owned());
    let done = sqlx::query(change).execute(&mut connection).await?;
    ensure!(done.rows_affected() == 1);
    connection.close().await?;
    Ok(())
}

/// The code of a refusal.
fn code(answer: &Answer) -> Result<String> {
    Ok(answer.problem(422)?.code().to_owned())
}

#[tokio::test]
async fn what_nobody_signed_is_admitted_only_where_an_administrator_said_so() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let component = clamav(&system)?;
    let upload = async || client.plugin_upload(component.clone()).await;

    assert_eq!(code(&upload().await?)?, "release-unsigned");
    set_policy(client, "pinned").await?;
    assert_eq!(code(&upload().await?)?, "release-not-pinned");
    let pin = format!("/trust/pins/{}", Digest::of(&component));
    ensure!(put(client, &pin, json!({})).await?.status == 204);
    let pinned: PluginView = upload().await?.ok()?;
    assert_eq!(pinned.trust.context("no ground")?.ground, "pinned");
    let told = client.events(0, "kind=plugin.unsigned").await?;
    assert_eq!(told.len(), 1);

    let answer = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    ensure!(client.send(answer).await?.status.is_success());
    ensure!(
        client
            .send(client.request(Method::DELETE, &pin))
            .await?
            .status
            == 204
    );
    assert_eq!(code(&upload().await?)?, "release-not-pinned");
    set_policy(client, "dev").await?;
    let unsigned: PluginView = upload().await?.ok()?;
    assert_eq!(unsigned.trust.context("no ground")?.ground, "unsigned");
    let server: Value = client.get("/server").await?;
    assert_eq!(server.pointer("/trust_policy"), Some(&json!("dev")));
    assert_eq!(server.pointer("/plugins_unsigned"), Some(&json!(1)));
    client.task_create(&scan("scan")).await?;

    // A signature that is wrong is wrong under each policy.
    let stranger = Vendor::new()?;
    let release = stranger.release(&component, CLAMAV, VERSION)?;
    assert_eq!(
        code(&client.plugin_upload(release).await?)?,
        "signer-unknown"
    );
    Ok(())
}

#[tokio::test]
async fn what_nobody_signed_does_not_take_an_application_from_its_owner() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let other = clamav_of_version(&system.programs, "0.1.1")?;
    let upload = async || client.plugin_upload(other.clone()).await;
    let pin = format!("/trust/pins/{}", Digest::of(&other));
    ensure!(put(client, &pin, json!({})).await?.status == 204);
    let remove = client.request(Method::DELETE, &format!("/plugins/{CLAMAV}"));
    for removed in [false, true] {
        for policy in ["pinned", "dev"] {
            set_policy(client, policy).await?;
            let refused = code(&upload().await?)?;
            assert_eq!(refused, "release-unsigned-of-owned", "{policy}, {removed}");
        }
        let state = plugin(client).await?.state;
        assert_eq!(state, if removed { "removed" } else { "active" });
        if !removed {
            let remove = remove.try_clone().context("it cannot be sent twice")?;
            client.send(remove).await?.ok::<Value>()?;
        }
    }

    // An administrator takes it from its owner, and that is told.
    let release = ["trust", "owner", "release", CLAMAV, "--yes"];
    let told = system.muster(&release).await?.ok()?.out;
    ensure!(told.contains("is nobody's"), "{told}");
    let events = client.events(0, "kind=trust.owner-released").await?;
    assert_eq!(events.len(), 1);
    ensure!(
        system.muster(&release).await?.status == 3,
        "it was released twice"
    );
    let unsigned: PluginView = upload().await?.ok()?;
    assert_eq!(unsigned.trust.context("no ground")?.ground, "unsigned");
    // The first who signs is the owner again.
    let signed = clamav_of_version(&system.programs, "0.1.2")?;
    let ready = client.plugin_install_as(&signed, CLAMAV, "0.1.2");
    ready.await?.ok::<PluginView>()?;
    let owners: Vec<OwnerView> = client.list("/trust/owners", "").await?;
    let owner = owners.first().map(|owner| owner.signer.as_str());
    assert_eq!(owner, Some("test-vendor"));
    assert_eq!(code(&upload().await?)?, "release-unsigned-of-owned");
    Ok(())
}

#[tokio::test]
async fn an_application_is_its_first_signers_until_it_is_moved() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let signed = plugin(client).await?.trust.context("no ground")?;
    assert_eq!(signed.ground, "signed");
    let owners: Vec<OwnerView> = client.list("/trust/owners", "").await?;
    let owner = owners.first().context("nobody owns it")?;
    assert_eq!(
        (owner.application.as_str(), owner.signer.as_str()),
        (CLAMAV, "test-vendor")
    );

    let other = Vendor::new()?;
    trust(client, &other, "other-vendor").await?;
    let release = other.release(&clamav(&system)?, CLAMAV, VERSION)?;
    let refused = client.plugin_upload(release.clone()).await?;
    assert_eq!(code(&refused)?, "application-owned-by-another");
    let address = format!("/trust/owners/{CLAMAV}");
    let nobody = put(client, &address, json!({ "signer": "nobody" })).await?;
    ensure!(nobody.status == 404, "{}", nobody.text());
    let moved = put(client, &address, json!({ "signer": "other-vendor" })).await?;
    moved.ok::<OwnerView>()?;
    assert_eq!(client.events(0, "kind=trust.owner-moved").await?.len(), 1);
    client.plugin_upload(release).await?.ok::<PluginView>()?;
    let vendor = client.vendor().await?;
    let release = vendor.release(&clamav(&system)?, CLAMAV, VERSION)?;
    let refused = client.plugin_upload(release).await?;
    assert_eq!(code(&refused)?, "application-owned-by-another");
    Ok(())
}

#[tokio::test]
async fn what_was_signed_and_what_a_component_says_must_be_the_same() -> Result<()> {
    let system = TestSystem::start().await?;
    let client = &system.client;
    let vendor = client.vendor().await?;
    let component = clamav(&system)?;
    let other_version = vendor.release(&component, CLAMAV, "99.0.0")?;
    let refused = client.plugin_upload(other_version).await?;
    assert_eq!(code(&refused)?, "statement-disagrees");
    let other_application = vendor.release(&component, "net.clamav.other", VERSION)?;
    let refused = client.plugin_upload(other_application).await?;
    assert_eq!(code(&refused)?, "statement-disagrees");
    let elsewhere = vendor.release(&component, "org.other.guard", VERSION)?;
    let refused = client.plugin_upload(elsewhere).await?;
    assert_eq!(code(&refused)?, "application-not-permitted");
    let told = client.events(0, "kind=plugin.refused").await?;
    assert_eq!(told.len(), 3);
    let plugins: Vec<PluginView> = client.list("/plugins", "").await?;
    assert!(plugins.is_empty(), "{plugins:?}");
    Ok(())
}

#[tokio::test]
async fn an_older_statement_than_the_one_in_use_is_refused() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let yesterday = Timestamp::now() - SignedDuration::from_hours(20);
    let vendor = client.vendor().await?;
    let older = vendor.release_at(&clamav(&system)?, CLAMAV, VERSION, yesterday)?;
    assert_eq!(
        code(&client.plugin_upload(older).await?)?,
        "statement-replayed"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_revoked_stops_at_once_and_does_not_come_back_with_a_restart() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let digest = Digest::of(clamav(&system)?);
    let vendor = client.vendor().await?;
    let mut list = RevocationList::new(2, Timestamp::now());
    list.digests
        .insert(digest, "it deletes what it should not".into());
    let import = vendor.revocations(&list)?;
    let taken: RevocationsView = client.post("/trust/revocations", &import).await?.ok()?;
    assert_eq!((taken.number, taken.entries.len()), (2, 1));

    for started_again in [false, true] {
        if started_again {
            system.server.restart(&[]).await?;
        }
        let stopped = plugin(&client).await?;
        assert_eq!(stopped.code.as_deref(), Some("revoked"));
        let listed = system.muster(&["plugin", "list"]).await?.ok()?.out;
        assert!(listed.contains("quarantined, revoked"), "{listed}");
        let reason = stopped.reason.context("no reason")?;
        assert!(reason.contains("revo"), "{reason}");
        assert!(reason.contains("deletes what it should not"), "{reason}");
        let refused = client.post("/tasks", &scan("scan")).await?.problem(409)?;
        assert_eq!(refused.code(), "application-without-plugin");
        let text = &refused.detail;
        assert!(text.contains("not trusted any more"), "{text}");
        assert!(!text.contains("faults"), "{text}");
    }
    let again = client
        .plugin_install(&system.programs.plugin("clamav")?)
        .await;
    let again = format!("{:#}", again.err().context("it was installed again")?);
    assert!(again.contains("release-revoked"), "{again}");

    let replayed = client.post("/trust/revocations", &import).await?;
    assert_eq!(code(&replayed)?, "revocations-not-newer");
    let stranger = Vendor::new()?;
    let forged = stranger.revocations(&RevocationList::new(3, Timestamp::now()))?;
    let forged = client.post("/trust/revocations", &forged).await?;
    assert_eq!(code(&forged)?, "signer-unknown");
    assert_eq!(
        client
            .events(0, "kind=trust.revocations-refused")
            .await?
            .len(),
        2
    );
    Ok(())
}

#[tokio::test]
async fn a_list_that_the_command_line_wrote_stops_what_it_revokes() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    std::fs::write(system.folder().join("clamav.wasm"), clamav(&system)?)?;
    // The vendor has a second key for its lists.
    let keygen = ["plugin", "keygen", "lists.key", "--no-password"];
    system.muster(&keygen).await?.ok()?;
    let add = [
        &["trust", "key", "add", "lists.key.pub"][..],
        &["--signer", "test-vendor", "--application", CLAMAV],
    ];
    system.muster(&add.concat()).await?.ok()?;
    let reason = "it deletes what it should not";
    let write = [
        &["trust", "revocations", "write", "list.json"][..],
        &["--component", "clamav.wasm", "--reason", reason],
        &["--key", "lists.key"],
    ]
    .concat();
    system.muster(&write).await?.ok()?;
    client
        .task_create(&scan("nothing was given to the server yet"))
        .await?;
    let import = ["trust", "revocations", "import", "list.json"];
    let taken = system.muster(&import).await?.ok()?;
    ensure!(taken.out.contains("list 1 of test-vendor"), "{taken:?}");
    let stopped = plugin(client).await?;
    assert_eq!(stopped.state, "quarantined");
    ensure!(stopped.reason.is_some_and(|why| why.contains(reason)));
    let refused = client.post("/tasks", &scan("scan")).await?.problem(409)?;
    assert_eq!(refused.code(), "application-without-plugin");

    // The same again, a changed one, and the next one without that entry.
    let again = system.muster(&import).await?;
    ensure!(
        again.status == 1 && again.err.contains("not newer"),
        "{again:?}"
    );
    let digest = Digest::of(clamav(&system)?).to_string();
    let next = [
        &["trust", "revocations", "write", "list.json"][..],
        &["--without", &digest, "--key", "lists.key"],
    ]
    .concat();
    system.muster(&next).await?.ok()?;
    let good = std::fs::read_to_string(system.folder().join("list.json"))?;
    let changed = good.replace("\"number\": 2", "\"number\": 3");
    ensure!(changed != good);
    std::fs::write(system.folder().join("list.json"), changed)?;
    let forged = system.muster(&import).await?;
    ensure!(
        forged.status == 1 && forged.err.contains("does not match"),
        "{forged:?}"
    );
    std::fs::write(system.folder().join("list.json"), good)?;
    system.muster(&import).await?.ok()?;
    client
        .plugin_install(&system.programs.plugin("clamav")?)
        .await?;
    client.task_create(&scan("it runs again")).await?;
    Ok(())
}

#[tokio::test]
async fn a_revoked_key_takes_what_it_signed_with_it_and_a_rotated_one_does_not() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let credentials: Vec<CredentialView> = client.list("/trust/credentials", "").await?;
    let id = credentials.first().context("no key")?.id;
    let next = Vendor::new()?;
    let rotate = json!({ "key": next.public_key(), "overlap": 0 });
    let address = format!("/trust/credentials/{id}/rotate");
    let new: CredentialView = client.post(&address, &rotate).await?.ok()?;
    assert_eq!(new.state, "in-force");
    let vendor = client.vendor().await?;
    let release = vendor.release(&clamav(&system)?, CLAMAV, VERSION)?;
    assert_eq!(
        code(&client.plugin_upload(release).await?)?,
        "signer-expired"
    );
    client.task_create(&scan("it still runs")).await?;

    let address = format!("/trust/credentials/{id}/revoke");
    let revoke = json!({ "reason": "it was stolen" });
    client.post(&address, &revoke).await?.ok::<Value>()?;
    let refused = client.post("/tasks", &scan("scan")).await?.problem(409)?;
    assert_eq!(refused.code(), "application-without-plugin");
    let release = next.release(&clamav(&system)?, CLAMAV, VERSION)?;
    client.plugin_upload(release).await?.ok::<PluginView>()?;
    client.task_create(&scan("it runs again")).await?;
    Ok(())
}

#[tokio::test]
async fn a_store_with_a_row_that_cannot_be_read_refuses_everything() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let credentials: Vec<CredentialView> = client.list("/trust/credentials", "").await?;
    let good = credentials.first().context("no key")?.id;
    let other: CredentialView = trust(&client, &Vendor::new()?, "broken").await?;
    let changes = [
        format!(
            "UPDATE trust_credentials SET key = 'RW' WHERE id = {}",
            other.id
        ),
        format!(
            "UPDATE trust_credentials SET valid_from = 'soon' WHERE id = {}",
            other.id
        ),
        format!(
            "UPDATE trust_credentials SET applications = '*' WHERE id = {}",
            other.id
        ),
    ];
    for change in &changes {
        system.server.stop().await?;
        change_database(&system, change).await?;
        system.server.restart(&[]).await?;
        let problem = client
            .send(client.request(Method::GET, "/trust"))
            .await?
            .problem(500)?;
        assert_eq!(problem.code(), "trust-store-unreadable", "{change}");
        let number = format!("number {}", other.id);
        assert!(problem.detail.contains(&number), "{}", problem.detail);
        let vendor = client.vendor().await?;
        let release = vendor.release(&clamav(&system)?, CLAMAV, VERSION)?;
        let refused = client.plugin_upload(release).await?.problem(500)?;
        assert_eq!(refused.code(), "trust-store-unreadable");
        let missing = client.post("/tasks", &scan("scan")).await?.problem(409)?;
        assert_eq!(missing.code(), "application-without-plugin");
        let server: Value = client.get("/server").await?;
        assert_eq!(server.pointer("/trust_policy"), Some(&json!("unreadable")));
    }
    let remove = format!("/trust/credentials/{}", other.id);
    let removed = client.send(client.request(Method::DELETE, &remove)).await?;
    ensure!(removed.status == 204, "{}", removed.text());
    system.server.restart(&[]).await?;
    client.task_create(&scan("scan")).await?;
    let back = plugin(&client).await?;
    assert_eq!((back.state.as_str(), back.reason), ("active", None));
    client.event(0, "plugin.loaded").await?;
    ensure!(good != other.id);
    Ok(())
}

/// At each of these, what was asked is not done after the restart, and can be asked again.
#[tokio::test]
async fn a_change_of_trust_that_is_cut_short_was_never_begun() -> Result<()> {
    let mut system = system_with_clamav().await?;
    let client = system.client.clone();
    let vendor = client.vendor().await?;
    let credentials: Vec<CredentialView> = client.list("/trust/credentials", "").await?;
    let id = credentials.first().context("no key")?.id;
    let (new, next) = (Vendor::new()?, Vendor::new()?);
    let add = json!({ "signer": "new", "key": new.public_key(), "applications": [CLAMAV] });
    let list = RevocationList::new(1, Timestamp::now());
    let cases = [
        (
            "trust.credential-written",
            Method::POST,
            "/trust/credentials".to_owned(),
            add,
        ),
        (
            "trust.rotation-written",
            Method::POST,
            format!("/trust/credentials/{id}/rotate"),
            json!({ "key": next.public_key() }),
        ),
        (
            "trust.revoked-written",
            Method::POST,
            format!("/trust/credentials/{id}/revoke"),
            json!({ "reason": "a test" }),
        ),
        (
            "trust.policy-written",
            Method::PUT,
            "/trust/policy".to_owned(),
            json!({ "policy": "dev" }),
        ),
        (
            "trust.owner-written",
            Method::PUT,
            format!("/trust/owners/{CLAMAV}"),
            json!({ "signer": "test-vendor" }),
        ),
        (
            "trust.owner-release-written",
            Method::DELETE,
            format!("/trust/owners/{CLAMAV}"),
            json!({}),
        ),
        (
            "trust.revocations-written",
            Method::POST,
            "/trust/revocations".to_owned(),
            vendor.revocations(&list)?,
        ),
    ];
    let state = async || -> Result<Value> {
        let trust: TrustView = client.get("/trust").await?;
        let credentials: Vec<CredentialView> = client.list("/trust/credentials", "").await?;
        let owners: Vec<OwnerView> = client.list("/trust/owners", "").await?;
        Ok(json!([trust, credentials, owners]))
    };
    let before = state().await?;
    for (place, method, path, body) in cases {
        system.server.restart(&[(CRASH_AT, place)]).await?;
        let asked = client.send(client.request(method, &path).json(&body)).await;
        assert!(asked.is_err(), "{place}");
        killed(system.server.ended().await?).context(place)?;
        system.server.restart(&[]).await?;
        assert_eq!(state().await?, before, "{place}");
    }
    client.task_create(&scan("scan")).await?;
    Ok(())
}

/// A revocation that is committed holds, however soon the server dies.
#[tokio::test]
async fn a_revocation_that_was_committed_holds_after_a_crash() -> Result<()> {
    for place in ["trust.revocations-committed", "trust.quarantined"] {
        let mut system = system_with_clamav().await?;
        let client = system.client.clone();
        let mut list = RevocationList::new(1, Timestamp::now());
        list.digests
            .insert(Digest::of(clamav(&system)?), "a test".into());
        let import = client.vendor().await?.revocations(&list)?;
        system.server.restart(&[(CRASH_AT, place)]).await?;
        assert!(
            client.post("/trust/revocations", &import).await.is_err(),
            "{place}"
        );
        killed(system.server.ended().await?).context(place)?;
        system.server.restart(&[]).await?;
        let reason = plugin(&client).await?.reason.context("no reason")?;
        assert!(reason.contains("a test"), "{place}: {reason}");
        let refused = client.post("/tasks", &scan("scan")).await?.problem(409)?;
        assert_eq!(refused.code(), "application-without-plugin", "{place}");
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_tells_who_signed_and_another_signer_waits_for_a_word() -> Result<()> {
    let system = system_with_clamav().await?;
    let client = &system.client;
    let same = clamav_of_version(&system.programs, "0.1.1")?;
    let ready: PluginView = client
        .plugin_install_as(&same, CLAMAV, "0.1.1")
        .await?
        .ok()?;
    let plan = ready.plan.context("there is no plan")?;
    let before = plan.from_trust.context("no ground")?;
    ensure!(before.ground == "signed" && plan.trust.ground == "signed");
    ensure!(
        plan.trust.signers[0].contains("test-vendor"),
        "{:?}",
        plan.trust
    );
    ensure!(!plan.signer_changed && plan.clean);

    let other = Vendor::new()?;
    trust(client, &other, "other-vendor").await?;
    let address = format!("/trust/owners/{CLAMAV}");
    put(client, &address, json!({ "signer": "other-vendor" }))
        .await?
        .ok::<OwnerView>()?;
    let next = clamav_of_version(&system.programs, "0.1.2")?;
    let release = other.release(&next, CLAMAV, "0.1.2")?;
    let answer = client.plugin_upload_with(release, "auto=true").await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let ready: PluginView = answer.ok()?;
    let plan = ready.plan.context("there is no plan")?;
    ensure!(plan.signer_changed && !plan.clean);
    let before = plan.from_trust.context("no ground")?;
    ensure!(before.signers[0].contains("test-vendor"), "{before:?}");
    ensure!(
        plan.trust.signers[0].contains("other-vendor"),
        "{:?}",
        plan.trust
    );
    let activate = format!("/plugins/{CLAMAV}/revisions/{}/activate", ready.digest);
    let refused = client.post(&activate, &json!({})).await?.problem(409)?;
    assert_eq!(refused.code(), "plan-not-clean");
    let body = json!({ "plan": plan.id });
    client.post(&activate, &body).await?.ok::<Value>()?;
    assert_eq!(plugin(client).await?.version, "0.1.2");
    Ok(())
}
