//! From the words of the domain to the JSON of the interface.

pub(crate) mod objects;
pub(crate) mod plan;

use muster_api::device::{DeviceApplicationView, DeviceView};
use muster_api::event::EventView;
use muster_api::group::GroupView;
use muster_api::plugin::{AskView, PluginView};
use muster_api::problem::FindingView;
use muster_api::run::{DeliveryView, RolloutView, RunView, WaveView};
use muster_api::task::{OriginView, ScopeRequest, ScopeView, TaskRevisionView, TaskView};
use muster_api::trust::PluginTrustView;
use muster_api::user::UserPolicyView;
use muster_app::device::DeviceDetail;
use muster_app::grant::AskStand;
use muster_app::place::{ScopeReference, Tree};
use muster_app::rollout::{RolloutStand, WaveStand};
use muster_app::task::TaskDetail;
use muster_app::trust::{PluginTrust, ground_name};
use muster_app::watch::{DeliveryDetail, RunDetail};
use muster_domain::GroupId;
use muster_domain::event::Event;
use muster_domain::finding::Finding;
use muster_domain::grant::{Right, Word};
use muster_domain::origin::Origin;
use muster_domain::scope::Scope;
use muster_domain::task::TaskRevision;
use muster_domain::user::{Rights, UserPolicy};
use muster_storage::plugin::PluginRow;
use std::collections::BTreeMap;

pub(crate) fn device(detail: DeviceDetail) -> DeviceView {
    let DeviceDetail {
        device,
        path,
        online,
    } = detail;
    DeviceView {
        id: device.id.0,
        name: device.name,
        group: path,
        group_id: device.group.0,
        online,
        last_seen: device.last_seen,
        enrolled_at: device.enrolled_at,
        platform: device.facts.platform,
        architecture: device.facts.architecture,
        agent_version: device.facts.agent_version,
        facts: device.facts.more,
        applications: device
            .applications
            .into_iter()
            .map(|installed| DeviceApplicationView {
                application: installed.application.to_string(),
                state: installed.state,
                version: installed.version,
            })
            .collect(),
    }
}

/// Every group of the tree, a group before those below it where their numbers say so.
pub(crate) type Policies = BTreeMap<GroupId, (UserPolicy, Rights)>;

pub(crate) fn groups(
    tree: &Tree,
    devices: &BTreeMap<GroupId, u64>,
    policies: &Policies,
) -> Vec<GroupView> {
    tree.groups()
        .filter_map(|group| self::group(tree, devices, policies, group.id))
        .collect()
}

pub(crate) fn group(
    tree: &Tree,
    devices: &BTreeMap<GroupId, u64>,
    policies: &Policies,
    id: GroupId,
) -> Option<GroupView> {
    let group = tree.get(id)?;
    let (policy, rights) = policies.get(&id).copied().unwrap_or_default();
    Some(GroupView {
        users: UserPolicyView {
            tasks: policy.tasks,
            starts: policy.starts,
            may_manage: rights.manage_own,
            may_start: rights.start_stop,
        },
        id: id.0,
        parent: group.parent.map(|parent| parent.0),
        name: group.name.clone(),
        path: tree.path(id),
        devices: devices.get(&id).copied().unwrap_or(0),
    })
}

pub(crate) fn plugin(row: PluginRow, trust: Option<&PluginTrust>, compiling: bool) -> PluginView {
    let description = row.description;
    PluginView {
        application: description.application.to_string(),
        name: description.name,
        vendor: description.vendor,
        version: description.version.to_string(),
        manages: description.manages.to_string(),
        digest: row.digest.to_string(),
        state: row.state.to_string(),
        code: row.code,
        reason: row.reason,
        compiling,
        safe_mode: false,
        trust: trust.map(self::trust),
        size: row.size,
        installed_at: row.installed_at,
        installed_by: row.installed_by.to_string(),
        source: None,
        plan: None,
        task_types: description.task_types.iter().map(Into::into).collect(),
    }
}

pub(crate) fn trust(trust: &PluginTrust) -> PluginTrustView {
    PluginTrustView {
        ground: ground_name(trust.ground).into(),
        signers: trust.signers.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn ask(stand: AskStand) -> AskView {
    let AskStand { ask, said } = stand;
    let word = said.as_ref().map(|said| said.word);
    AskView {
        name: ask.right.to_string(),
        value: ask.value,
        unit: match ask.right {
            Right::Limit(limit) => Some(limit.unit().into()),
            Right::Capability(_) => None,
        },
        reason: ask.reason,
        word: match word {
            Some(Word::Granted(_)) => "granted",
            Some(Word::Denied) => "denied",
            None => "open",
        }
        .into(),
        granted: match word {
            Some(Word::Granted(value)) => value,
            _ => None,
        },
        said_at: said.as_ref().map(|said| said.said_at),
        said_by: said.map(|said| said.said_by.to_string()),
    }
}

pub(crate) fn task(detail: TaskDetail) -> TaskView {
    let TaskDetail {
        task,
        scope_name,
        plugin_loaded,
        is_destructive,
        approval,
        last_run,
    } = detail;
    TaskView {
        id: task.id.0,
        name: task.name,
        application: task.application.to_string(),
        plugin_loaded,
        task_type: task.task_type.to_string(),
        scope: scope(task.scope, scope_name),
        time_limit: task.time_limit,
        revision: task.revision.number,
        settings: task.revision.settings.to_value(),
        schedule: task
            .revision
            .schedule
            .map(|schedule| serde_json::json!(schedule)),
        rollout: task
            .revision
            .rollout
            .map(|rollout| serde_json::json!(rollout)),
        schema_version: task.revision.schema_version,
        findings: findings(task.revision.findings),
        created_at: task.created_at,
        created_by: task.created_by.to_string(),
        changed_at: task.revision.created_at,
        changed_by: task.revision.created_by.to_string(),
        origin: origin(task.revision.origin),
        last_run: last_run.map(|run| run.0),
        destructive: is_destructive,
        approved_at: approval.as_ref().map(|approval| approval.at),
        approved_by: approval.map(|approval| approval.by),
    }
}

fn scope(scope: Scope, name: Option<String>) -> ScopeView {
    match scope {
        Scope::Local { device } => ScopeView::Local { device: device.0 },
        Scope::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => ScopeView::Group {
            group: group.0,
            path: name.unwrap_or_default(),
            subgroups,
            excluded: excluded.into_iter().map(|group| group.0).collect(),
            only,
            membership,
        },
        Scope::Selection {
            selection,
            membership,
        } => ScopeView::Selection {
            selection: selection.0,
            name: name.unwrap_or_default(),
            membership,
        },
        Scope::Global { devices } => ScopeView::Global {
            devices: devices.iter().collect(),
        },
    }
}

pub(crate) fn revision(revision: TaskRevision) -> TaskRevisionView {
    TaskRevisionView {
        number: revision.number,
        settings: revision.settings.to_value(),
        schedule: revision
            .schedule
            .map(|schedule| serde_json::json!(schedule)),
        rollout: revision.rollout.map(|rollout| serde_json::json!(rollout)),
        schema_version: revision.schema_version,
        migrated_from: revision.migrated_from,
        plugin: revision.plugin.to_string(),
        findings: findings(revision.findings),
        created_at: revision.created_at,
        created_by: revision.created_by.to_string(),
        origin: origin(revision.origin),
    }
}

fn origin(origin: Origin) -> OriginView {
    OriginView {
        way: origin.way.map(|way| way.as_str().into()),
        address: origin.address.map(|address| address.to_string()),
        program: origin.program,
        comment: origin.comment,
    }
}

pub(crate) fn findings(findings: Vec<Finding>) -> Vec<FindingView> {
    findings.into_iter().map(Into::into).collect()
}

/// Where a task is to be done, as a request says it.
pub(crate) fn scope_reference(request: ScopeRequest) -> ScopeReference {
    match request {
        ScopeRequest::Local { device } => ScopeReference::Local(device),
        ScopeRequest::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => ScopeReference::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        },
        ScopeRequest::Selection {
            selection,
            membership,
        } => ScopeReference::Selection {
            selection,
            membership,
        },
        ScopeRequest::Global { devices } => ScopeReference::Global(devices),
    }
}

/// The way back: what an exported task says.
pub(crate) fn scope_request(reference: ScopeReference) -> ScopeRequest {
    match reference {
        ScopeReference::Local(device) => ScopeRequest::Local { device },
        ScopeReference::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        } => ScopeRequest::Group {
            group,
            subgroups,
            excluded,
            only,
            membership,
        },
        ScopeReference::Selection {
            selection,
            membership,
        } => ScopeRequest::Selection {
            selection,
            membership,
        },
        ScopeReference::Global(devices) => ScopeRequest::Global { devices },
    }
}

fn rollout_view(stand: RolloutStand) -> RolloutView {
    let wave = |wave: WaveStand| WaveView {
        devices: wave.devices,
        begun: wave.begun,
        ended: wave.ended,
        errors: wave.errors,
    };
    RolloutView {
        wave: stand.wave,
        waves: stand.waves.into_iter().map(wave).collect(),
        hold_text: stand.hold.as_ref().map(ToString::to_string),
        hold: stand.hold,
    }
}

pub(crate) fn run(detail: RunDetail) -> RunView {
    let RunDetail {
        run,
        task_name,
        percent,
        rollout,
    } = detail;
    RunView {
        id: run.id.0,
        task: run.task.0,
        task_name,
        revision: run.revision,
        occurrence: run.occurrence.map(|occurrence| occurrence.to_string()),
        state: run.state,
        total: run.counts.total(),
        counts: run.counts.0,
        percent,
        started_at: run.started_at,
        started_by: run.started_by.to_string(),
        finished_at: run.finished_at,
        rollout: rollout.map(rollout_view),
    }
}

pub(crate) fn delivery(detail: DeliveryDetail) -> DeliveryView {
    let DeliveryDetail {
        delivery,
        touched,
        device_name,
        progress,
    } = detail;
    let progress = progress.unwrap_or_default();
    DeliveryView {
        device: delivery.device.0,
        device_name,
        state: delivery.state,
        cause_text: delivery.cause.as_ref().map(ToString::to_string),
        cause: delivery.cause,
        wanted: delivery.wanted,
        percent: progress.percent,
        message: progress.message,
        summary: delivery.summary,
        needs_restart: delivery.needs_restart,
        changed_at: touched.then_some(delivery.changed_at),
    }
}

pub(crate) fn event(event: Event) -> EventView {
    let Event { id, at, event } = event;
    EventView {
        id: id.0,
        at,
        kind: event.kind,
        severity: event.severity,
        actor: event.actor.to_string(),
        text: event.text,
        application: event.subject.application.map(Into::into),
        device: event.subject.device.map(|device| device.0),
        group: event.subject.group.map(|group| group.0),
        task: event.subject.task.map(|task| task.0),
        run: event.subject.run.map(|run| run.0),
        happened_at: event.happened_at,
        fields: event.fields,
    }
}
