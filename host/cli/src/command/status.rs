//! The server, and who is logged in.

use crate::command::Context;
use crate::failure::Failure;
use crate::output::{Tint, cell, number};
use muster_api::server::ServerView;

const SAFE_MODE: &str = "no plug-in is loaded, and tasks cannot be created, changed or \
                         started. Remove or roll back the one that does harm, and restart the server without --safe-mode \
                         (safe-mode = false)";

pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let answer = context.client.get("/server", &vec![]).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let server: ServerView = answer.view()?;
    let mut fields = vec![
        ("server", cell(context.client.server())),
        ("version", cell(server.version)),
        ("administrator", cell(server.administrator)),
        (
            "trust policy",
            cell(server.trust_policy.clone()).tint(match server.trust_policy.as_str() {
                "required" | "pinned" => Tint::None,
                _ => Tint::Bad,
            }),
        ),
        (
            "unsigned plug-ins",
            number(server.plugins_unsigned).tint(match server.plugins_unsigned {
                0 => Tint::None,
                _ => Tint::Bad,
            }),
        ),
        (
            "devices",
            cell(format!(
                "{} online of {}",
                server.devices_online, server.devices
            )),
        ),
    ];
    if server.safe_mode {
        fields.push(("safe mode", cell(SAFE_MODE).tint(Tint::Bad)));
    }
    context.out.fields(fields)
}
