//! Dependencies of others that must not get into a part of the product, however deep they hide.

use cargo_metadata::{DependencyKind, Metadata, Node, PackageId};
use std::collections::{HashMap, HashSet, VecDeque};

struct Rule {
    /// The crate of ours; none stands for the whole workspace.
    from: Option<&'static str>,
    /// What it must not reach.
    kept_out: &'static str,
    reason: &'static str,
}

const RULES: [Rule; 3] = [
    Rule {
        from: None,
        kept_out: "wasmtime-wasi",
        reason: "plug-ins get nothing but what was granted",
    },
    Rule {
        from: Some("muster-agent"),
        kept_out: "wasmtime",
        reason: "devices run no wasm engine",
    },
    Rule {
        from: Some("muster-domain"),
        kept_out: "tokio",
        reason: "the rules are neither async nor do they any I/O",
    },
];

/// One line for each dependency that got in, with the way that it took.
pub(super) fn found(graph: &Metadata) -> Vec<String> {
    let nodes: HashMap<&PackageId, &Node> = graph
        .resolve
        .iter()
        .flat_map(|resolve| &resolve.nodes)
        .map(|node| (&node.id, node))
        .collect();
    let name = |id: &PackageId| {
        graph
            .packages
            .iter()
            .find(|package| package.id == *id)
            .map(|package| package.name.as_str())
    };
    let mut wrong = Vec::new();
    for rule in &RULES {
        let mut from = graph
            .workspace_members
            .iter()
            .filter(|id| rule.from.is_none() || name(id) == rule.from);
        let way = from.find_map(|id| way(id, &nodes, |id| name(id) == Some(rule.kept_out)));
        if let Some(way) = way {
            let names: Vec<&str> = way.into_iter().filter_map(name).collect();
            wrong.push(format!("{}: {}", names.join(" -> "), rule.reason));
        }
    }
    wrong
}

/// The shortest way from a crate to one that is wanted, by dependencies that ship or build.
fn way<'a>(
    from: &'a PackageId,
    nodes: &HashMap<&PackageId, &'a Node>,
    wanted: impl Fn(&PackageId) -> bool,
) -> Option<Vec<&'a PackageId>> {
    let mut seen = HashSet::from([from]);
    let mut ways = VecDeque::from([vec![from]]);
    while let Some(way) = ways.pop_front() {
        let last = *way.last()?;
        if wanted(last) {
            return Some(way);
        }
        for next in nodes.get(last).into_iter().flat_map(|node| &node.deps) {
            let ships = next
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development);
            if ships && seen.insert(&next.pkg) {
                ways.push_back(way.iter().copied().chain([&next.pkg]).collect());
            }
        }
    }
    None
}
