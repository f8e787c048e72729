//! Views of revisions and plans.

use super::{findings, trust};
use muster_api::plan::{
    ActivatedView, ChangeView, ComparisonView, PlanView, ProfilePlanView, RevisionView, ShadowView,
    TaskPlanView, UploadView,
};
use muster_api::trust::PluginTrustView;
use muster_app::install::{Activated, ShadowCounts};
use muster_app::{App, AppError};
use muster_domain::plan::{Change, Effect, Ground, Plan, ProfilePlan, TaskPlan};
use muster_storage::plugin::PluginRow;
use muster_storage::plugin::upload::UploadRow;

pub(crate) async fn revision(app: &App, row: PluginRow) -> Result<RevisionView, AppError> {
    let application = &row.description.application;
    let shadow = app.shadow_counts(application, row.digest);
    let ground = app.plugin_trust(application, row.digest).await?;
    let revoked = app.revision_revoked(application, row.digest).await?;
    Ok(RevisionView {
        application: row.description.application.to_string(),
        digest: row.digest.to_string(),
        version: row.description.version.to_string(),
        state: row.state.to_string(),
        code: row.code,
        reason: row.reason,
        trust: ground.as_ref().map(trust),
        revoked,
        size: row.size,
        installed_at: row.installed_at,
        installed_by: row.installed_by.to_string(),
        changed_at: row.changed_at,
        shadow: shadow.map(|(validate, translate)| ShadowView {
            validate: comparison(validate),
            translate: comparison(translate),
        }),
    })
}

fn comparison(counts: ShadowCounts) -> ComparisonView {
    ComparisonView {
        same: counts.same,
        different: counts.different,
        failed: counts.failed,
        dropped: counts.dropped,
    }
}

pub(crate) fn upload(row: UploadRow) -> UploadView {
    UploadView {
        digest: row.digest.to_string(),
        state: row.state.to_string(),
        application: row.application.map(Into::into),
        code: row.code,
        reason: row.reason,
        size: row.size,
        uploaded_at: row.uploaded_at,
        uploaded_by: row.uploaded_by.to_string(),
    }
}

pub(crate) fn activated(done: Activated) -> ActivatedView {
    ActivatedView {
        plugin: super::plugin(done.row, None, false),
        plan: plan(done.plan),
    }
}

pub(crate) fn plan(plan: Plan) -> PlanView {
    let (clean, signer_changed) = (plan.is_clean(), plan.changes_signer());
    let counts = Effect::ALL.map(|effect| (effect.as_str().into(), plan.count(effect) as u64));
    PlanView {
        id: plan.id.to_string(),
        application: plan.application.to_string(),
        from: plan.from.map(|digest| digest.to_string()),
        from_state: plan.from_state.map(|state| state.to_string()),
        from_trust: plan.from_trust.map(ground),
        to: plan.to.to_string(),
        trust: ground(plan.trust),
        signer_changed,
        asks: Vec::new(),
        downgrade: plan.downgrade,
        clean,
        effects: counts.into_iter().collect(),
        tasks: plan.tasks.into_iter().map(task).collect(),
    }
}

fn ground(ground: Ground) -> PluginTrustView {
    PluginTrustView {
        ground: ground.name,
        signers: ground.signers.into_iter().map(|by| by.text).collect(),
    }
}

fn task(plan: TaskPlan) -> TaskPlanView {
    TaskPlanView {
        task: plan.task.0,
        name: plan.name,
        task_type: plan.task_type.to_string(),
        revision: plan.revision,
        effect: plan.effect.as_str().into(),
        restores: plan.next.and_then(|next| next.restores),
        settings: plan.settings.into_iter().map(change).collect(),
        findings: findings(plan.findings),
        profiles: plan.profiles.into_iter().map(profile).collect(),
        more_profiles: plan.more_profiles,
        note: plan.note,
        uncompared: plan.uncompared,
    }
}

fn profile(plan: ProfilePlan) -> ProfilePlanView {
    ProfilePlanView {
        platform: plan.profile.platform,
        architecture: plan.profile.architecture,
        application_version: plan.profile.application_version,
        facts: plan.profile.facts,
        devices: plan.devices,
        support: plan.support.as_str().into(),
        command: plan.command.into_iter().map(change).collect(),
        reason: plan.reason,
    }
}

pub(crate) fn change(change: Change) -> ChangeView {
    ChangeView {
        pointer: change.pointer,
        before: change.before,
        after: change.after,
    }
}
