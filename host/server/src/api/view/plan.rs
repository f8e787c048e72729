//! Views of revisions and plans.

use super::findings;
use muster_api::plan::{
    ActivatedView, ChangeView, ComparisonView, PlanView, ProfilePlanView, RevisionView, ShadowView,
    TaskPlanView, UploadView,
};
use muster_app::App;
use muster_app::install::{Activated, ShadowCounts};
use muster_domain::plan::{Change, Plan, ProfilePlan, TaskPlan};
use muster_storage::plugin::PluginRow;
use muster_storage::plugin::upload::UploadRow;

pub(crate) fn revision(app: &App, row: PluginRow) -> RevisionView {
    let shadow = app.shadow_counts(&row.description.application, row.digest);
    RevisionView {
        application: row.description.application.to_string(),
        digest: row.digest.to_string(),
        version: row.description.version.to_string(),
        state: row.state.to_string(),
        code: row.code,
        reason: row.reason,
        size: row.size,
        installed_at: row.installed_at,
        installed_by: row.installed_by.to_string(),
        changed_at: row.changed_at,
        shadow: shadow.map(|(validate, translate)| ShadowView {
            validate: comparison(validate),
            translate: comparison(translate),
        }),
    }
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
        plugin: super::plugin(done.row, None),
        plan: plan(done.plan),
    }
}

pub(crate) fn plan(plan: Plan) -> PlanView {
    PlanView {
        id: plan.id.to_string(),
        application: plan.application.to_string(),
        from: plan.from.map(|digest| digest.to_string()),
        to: plan.to.to_string(),
        downgrade: plan.downgrade,
        clean: plan.is_clean(),
        tasks: plan.tasks.into_iter().map(task).collect(),
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

fn change(change: Change) -> ChangeView {
    ChangeView {
        pointer: change.pointer,
        before: change.before,
        after: change.after,
    }
}
