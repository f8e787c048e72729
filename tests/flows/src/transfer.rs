//! Imports, as a program makes them: planned, and then done by the plan's id.

use anyhow::Result;
use muster_api::objects::ObjectsPlanView;
use muster_test_harness::{Answer, Client};
use serde::Serialize;
use serde_json::{Value, json};

/// Asks for an import, whatever the answer is.
pub async fn import(
    client: &Client,
    file: &impl Serialize,
    mapping: Value,
    plan: Option<&str>,
) -> Result<Answer> {
    let mut body = json!({ "file": file, "mapping": mapping });
    if let (Some(plan), Some(fields)) = (plan, body.as_object_mut()) {
        fields.insert("plan".into(), json!(plan));
    }
    client.post("/tasks/import", &body).await
}

/// What an import would do.
pub async fn import_plan(
    client: &Client,
    file: &impl Serialize,
    mapping: Value,
) -> Result<ObjectsPlanView> {
    import(client, file, mapping, None).await?.ok()
}

/// Makes an import by the plan that it has now.
pub async fn import_done(
    client: &Client,
    file: &impl Serialize,
    mapping: Value,
) -> Result<ObjectsPlanView> {
    let plan = import_plan(client, file, mapping.clone()).await?;
    import(client, file, mapping, Some(&plan.id)).await?.ok()
}
