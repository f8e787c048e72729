//! Whom the server trusts: policy, keys and identities, owners, revocation lists.

use super::plugin::WholeQuery;
use super::{Created, number, value, whole};
use crate::body::Json as Body;
use crate::edge::{Path, Query};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use muster_api::page::Page;
use muster_api::problem::ProblemDocument;
use muster_api::trust::{
    CredentialCreate, CredentialExpire, CredentialRevoke, CredentialRotate, CredentialView,
    OwnerMove, OwnerView, PinView, RevocationView, RevocationsImport, RevocationsView,
    TrustPolicyChange, TrustRootChange, TrustView,
};
use muster_app::trust::{NewCredential, NewMeans, TrustOverview};
use muster_app::{Administrator, App};
use muster_domain::Digest;
use muster_release::bundle::{SignatureFile, SignatureKind};
use muster_release::trust::{Credential, HeldList, Means};
use muster_storage::trust::{CredentialRow, OwnerRow, RevocationsRow};

/// The trust store at a glance.
#[utoipa::path(get, path = "/api/v1/trust", tag = "trust", responses((status = 200, body = TrustView)))]
pub(crate) async fn trust_show(app: App, who: Administrator) -> Result<Json<TrustView>, Problem> {
    Ok(Json(shown(app.trust_show(&who).await?)))
}

fn shown(overview: TrustOverview) -> TrustView {
    let root = overview.store.root.as_ref();
    TrustView {
        policy: overview.store.policy.to_string(),
        root: root.map(|root| Digest::of(root.json()).to_string()),
        credentials: overview.credentials.len() as u64,
        owners: overview.owners.len() as u64,
        revocations: overview.revocations.len() as u64,
        pins: overview
            .pins
            .into_iter()
            .map(|pin| PinView {
                digest: pin.digest.to_string(),
                pinned_at: pin.pinned_at,
                pinned_by: pin.pinned_by.to_string(),
            })
            .collect(),
    }
}

/// Sets what happens to releases without a signature, from now on.
#[utoipa::path(put, path = "/api/v1/trust/policy", tag = "trust", request_body = TrustPolicyChange,
    responses((status = 204), (status = 422, body = ProblemDocument)))]
pub(crate) async fn trust_policy_set(
    app: App,
    who: Administrator,
    Body(change): Body<TrustPolicyChange>,
) -> Result<StatusCode, Problem> {
    app.trust_policy_set(&who, value(&change.policy)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the authorities and logs that Sigstore bundles must lead to, or takes them away.
#[utoipa::path(put, path = "/api/v1/trust/root", tag = "trust", request_body = TrustRootChange,
    responses((status = 204), (status = 422, body = ProblemDocument)))]
pub(crate) async fn trust_root_set(
    app: App,
    who: Administrator,
    Body(change): Body<TrustRootChange>,
) -> Result<StatusCode, Problem> {
    app.trust_root_set(&who, change.root).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Allows a component without a signature, where the policy is `pinned`.
#[utoipa::path(put, path = "/api/v1/trust/pins/{digest}", tag = "trust", params(("digest" = String, Path)),
    responses((status = 204), (status = 422, body = ProblemDocument)))]
pub(crate) async fn pin_set(
    app: App,
    who: Administrator,
    Path(digest): Path<String>,
) -> Result<StatusCode, Problem> {
    app.trust_pin(&who, value(&digest)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Allows a component without a signature no longer.
#[utoipa::path(delete, path = "/api/v1/trust/pins/{digest}", tag = "trust", params(("digest" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument)))]
pub(crate) async fn pin_remove(
    app: App,
    who: Administrator,
    Path(digest): Path<String>,
) -> Result<StatusCode, Problem> {
    app.trust_unpin(&who, value(&digest)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every key and identity, the oldest first. The list comes whole.
#[utoipa::path(get, path = "/api/v1/trust/credentials", tag = "trust", responses((status = 200, body = Page<CredentialView>)))]
pub(crate) async fn credential_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<CredentialView>>, Problem> {
    Ok(whole(views(app.trust_show(&who).await?)))
}

/// Trusts a key or an identity.
#[utoipa::path(post, path = "/api/v1/trust/credentials", tag = "trust", request_body = CredentialCreate,
    responses((status = 201, body = CredentialView), (status = 409, body = ProblemDocument), (status = 422, body = ProblemDocument)))]
pub(crate) async fn credential_add(
    app: App,
    who: Administrator,
    Body(create): Body<CredentialCreate>,
) -> Result<Created<CredentialView>, Problem> {
    let applications = create.applications.iter().map(|pattern| value(pattern));
    let new = NewCredential {
        signer: value(&create.signer)?,
        applications: applications.collect::<Result<_, _>>()?,
        means: means(create.key, create.issuer, create.subject)?,
        authority: create.authority,
        from: create.valid_from,
        until: create.valid_until,
    };
    let id = app.trust_credential_add(&who, new).await?;
    made(&app, &who, id).await
}

/// Puts a new key or identity in the place of an older one of the same signer.
#[utoipa::path(post, path = "/api/v1/trust/credentials/{credential}/rotate", tag = "trust",
    params(("credential" = i64, Path)), request_body = CredentialRotate,
    responses((status = 201, body = CredentialView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn credential_rotate(
    app: App,
    who: Administrator,
    Path(credential): Path<String>,
    Body(rotate): Body<CredentialRotate>,
) -> Result<Created<CredentialView>, Problem> {
    let means = means(rotate.key, rotate.issuer, rotate.subject)?;
    let overlap = SignedDuration::from_secs(rotate.overlap.into());
    let old = number("key or identity", &credential)?;
    let id = app
        .trust_credential_rotate(&who, old, means, overlap)
        .await?;
    made(&app, &who, id).await
}

/// Lets a key or identity end at a time. What runs goes on.
#[utoipa::path(post, path = "/api/v1/trust/credentials/{credential}/expire", tag = "trust",
    params(("credential" = i64, Path)), request_body = CredentialExpire,
    responses((status = 200, body = CredentialView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn credential_expire(
    app: App,
    who: Administrator,
    Path(credential): Path<String>,
    Body(expire): Body<CredentialExpire>,
) -> Result<Json<CredentialView>, Problem> {
    let id = number("key or identity", &credential)?;
    app.trust_credential_expire(&who, id, expire.valid_until)
        .await?;
    Ok(Json(one(&app, &who, id).await?))
}

/// Revokes a key or identity. What runs and nobody else signed is stopped.
#[utoipa::path(post, path = "/api/v1/trust/credentials/{credential}/revoke", tag = "trust",
    params(("credential" = i64, Path)), request_body = CredentialRevoke,
    responses((status = 200, body = CredentialView), (status = 404, body = ProblemDocument), (status = 409, body = ProblemDocument)))]
pub(crate) async fn credential_revoke(
    app: App,
    who: Administrator,
    Path(credential): Path<String>,
    Body(revoke): Body<CredentialRevoke>,
) -> Result<Json<CredentialView>, Problem> {
    let id = number("key or identity", &credential)?;
    app.trust_credential_revoke(&who, id, revoke.reason).await?;
    Ok(Json(one(&app, &who, id).await?))
}

/// Takes a key or identity out of the store, also one whose row cannot be read.
#[utoipa::path(delete, path = "/api/v1/trust/credentials/{credential}", tag = "trust",
    params(("credential" = i64, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument)))]
pub(crate) async fn credential_remove(
    app: App,
    who: Administrator,
    Path(credential): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = number("key or identity", &credential)?;
    app.trust_credential_remove(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose each application is. The list comes whole.
#[utoipa::path(get, path = "/api/v1/trust/owners", tag = "trust", responses((status = 200, body = Page<OwnerView>)))]
pub(crate) async fn owner_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<OwnerView>>, Problem> {
    let owners = app.trust_show(&who).await?.owners;
    Ok(whole(owners.iter().map(owner).collect()))
}

/// Gives an application to a signer who is in the trust store.
#[utoipa::path(put, path = "/api/v1/trust/owners/{application}", tag = "trust",
    params(("application" = String, Path)), request_body = OwnerMove,
    responses((status = 200, body = OwnerView), (status = 404, body = ProblemDocument)))]
pub(crate) async fn owner_move(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
    Body(to): Body<OwnerMove>,
) -> Result<Json<OwnerView>, Problem> {
    let (application, signer) = (value(&application)?, value(&to.signer)?);
    let row = app.trust_owner_move(&who, application, signer).await?;
    Ok(Json(owner(&row)))
}

/// Takes an application from its owner: it is nobody's until the next signed plug-in for it, and until
/// then, where the policy admits what nobody signed, that is admitted for it too.
#[utoipa::path(delete, path = "/api/v1/trust/owners/{application}", tag = "trust",
    params(("application" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDocument)))]
pub(crate) async fn owner_release(
    app: App,
    who: Administrator,
    Path(application): Path<String>,
) -> Result<StatusCode, Problem> {
    app.trust_owner_release(&who, value(&application)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The newest revocation list of each signer. The list comes whole.
#[utoipa::path(get, path = "/api/v1/trust/revocations", tag = "trust", responses((status = 200, body = Page<RevocationsView>)))]
pub(crate) async fn revocations_list(
    app: App,
    who: Administrator,
    _: Query<WholeQuery>,
) -> Result<Json<Page<RevocationsView>>, Problem> {
    let overview = app.trust_show(&who).await?;
    let rows = overview.revocations.iter();
    let lists = rows.zip(&overview.store.revocations);
    Ok(whole(
        lists.map(|(row, held)| revocations(row, held)).collect(),
    ))
}

/// Takes a signed revocation list, and stops what it revokes.
#[utoipa::path(post, path = "/api/v1/trust/revocations", tag = "trust", request_body = RevocationsImport,
    responses((status = 200, body = RevocationsView), (status = 422, body = ProblemDocument)))]
pub(crate) async fn revocations_import(
    app: App,
    who: Administrator,
    Body(import): Body<RevocationsImport>,
) -> Result<Json<RevocationsView>, Problem> {
    let signatures = import.signatures.into_iter().map(|signature| {
        let kind = match signature.kind.as_str() {
            "minisign" => SignatureKind::Minisign,
            "sigstore" => SignatureKind::Sigstore,
            other => return Err(unknown_kind(other)),
        };
        let bytes = signature.text.into_bytes();
        Ok(SignatureFile { kind, bytes })
    });
    let signatures = signatures.collect::<Result<_, _>>()?;
    let held = app
        .trust_revocations_import(&who, import.list, signatures)
        .await?;
    let overview = app.trust_show(&who).await?;
    let mut lists = overview.revocations.iter().zip(&overview.store.revocations);
    let (row, held) = lists
        .find(|(row, _)| row.signer == held.signer)
        .ok_or_else(|| Problem::not_found("revocation list of", held.signer.as_str()))?;
    Ok(Json(revocations(row, held)))
}

fn unknown_kind(kind: &str) -> Problem {
    let kind: String = kind.chars().take(100).collect();
    let detail = format!("{kind:?} is no kind of signature; there are minisign and sigstore");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "value-invalid", detail)
}

fn means(
    key: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
) -> Result<NewMeans, Problem> {
    match (key, issuer, subject) {
        (Some(key), None, None) => Ok(NewMeans::Key(key)),
        (None, Some(issuer), Some(subject)) => Ok(NewMeans::Identity { issuer, subject }),
        _ => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "credential-invalid",
            "give either `key`, or both `issuer` and `subject`",
        )),
    }
}

async fn made(app: &App, who: &Administrator, id: i64) -> Result<Created<CredentialView>, Problem> {
    let view = one(app, who, id).await?;
    Ok(Created::at(format!("/trust/credentials/{id}"), view))
}

async fn one(app: &App, who: &Administrator, id: i64) -> Result<CredentialView, Problem> {
    let mut all = views(app.trust_show(who).await?).into_iter();
    // Somebody else may have removed it between the two.
    all.find(|credential| credential.id == id)
        .ok_or_else(|| Problem::not_found("key or identity", &id.to_string()))
}

fn views(overview: TrustOverview) -> Vec<CredentialView> {
    let now = Timestamp::now();
    let both = overview
        .credentials
        .into_iter()
        .zip(&overview.store.credentials);
    both.map(|(row, credential)| view(row, credential, now))
        .collect()
}

fn view(row: CredentialRow, credential: &Credential, now: Timestamp) -> CredentialView {
    let (key, identity) = match &credential.means {
        Means::Key(key) => (Some(key), None),
        Means::Identity(identity) => (None, Some(identity)),
    };
    let ended = row.until.is_some_and(|until| until <= now);
    let state = match (&row.revoked, row.successor) {
        (Some(_), _) => "revoked",
        (None, Some(_)) if ended => "rotated",
        (None, _) if ended => "ended",
        _ if row.from > now => "not-yet",
        _ => "in-force",
    };
    let (revoked_at, revoked_reason) = row.revoked.unzip();
    CredentialView {
        id: row.id,
        signer: row.signer.to_string(),
        kind: if key.is_some() { "key" } else { "identity" }.into(),
        key: key.map(|key| key.base64().to_owned()),
        fingerprint: key.map(|key| key.fingerprint().to_string()),
        key_id: key.map(muster_release::signature::minisign::PublicKey::id),
        issuer: identity.map(|identity| identity.issuer.clone()),
        subject: identity.map(|identity| identity.subject.clone()),
        applications: row.applications,
        authority: row.authority,
        state: state.into(),
        valid_from: row.from,
        valid_until: row.until,
        successor: row.successor,
        revoked_at,
        revoked_reason,
        added_at: row.added_at,
        added_by: row.added_by.to_string(),
    }
}

fn owner(row: &OwnerRow) -> OwnerView {
    OwnerView {
        application: row.application.to_string(),
        signer: row.signer.to_string(),
        since: row.since,
        set_by: row.set_by.to_string(),
    }
}

fn revocations(row: &RevocationsRow, held: &HeldList) -> RevocationsView {
    let entry = |kind: &str, what: String, reason: &String| RevocationView {
        kind: kind.into(),
        what,
        reason: reason.clone(),
    };
    let list = &held.list;
    let components = list.digests.iter();
    let components =
        components.map(|(digest, reason)| entry("component", digest.to_string(), reason));
    let keys = list.keys.iter();
    let keys = keys.map(|(key, reason)| entry("key", key.to_string(), reason));
    let identities = list.identities.iter().map(|identity| {
        let what = format!("{} ({})", identity.subject, identity.issuer);
        entry("identity", what, &identity.reason)
    });
    RevocationsView {
        signer: held.signer.to_string(),
        number: list.number,
        issued: list.issued,
        authority: held.authority,
        entries: components.chain(keys).chain(identities).collect(),
        imported_at: row.imported_at,
        imported_by: row.imported_by.to_string(),
    }
}
