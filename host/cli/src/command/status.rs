//! The server, and who is logged in.

use crate::command::Context;
use crate::failure::Failure;
use crate::output::cell;
use muster_api::server::ServerView;

pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let answer = context.client.get("/server", &vec![]).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let server: ServerView = answer.view()?;
    context.out.fields(vec![
        ("server", cell(context.client.server())),
        ("version", cell(server.version)),
        ("administrator", cell(server.administrator)),
        (
            "devices",
            cell(format!(
                "{} online of {}",
                server.devices_online, server.devices
            )),
        ),
    ])
}
