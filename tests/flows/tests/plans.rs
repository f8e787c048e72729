//! A plan also says how long a task will take, and which others it meets.

use anyhow::Result;
use muster_flows::{DETECTS, Timed, scan, scheduled};
use serde_json::{Value, json};

fn daily(at: &str) -> Value {
    json!({"when": {"every-days": {"from": format!("2027-01-01T{at}")}}, "zone": "utc"})
}

#[tokio::test]
async fn a_plan_says_how_long_it_will_take_and_what_it_meets() -> Result<()> {
    let timed = Timed::start("2027-03-01T12:00:00Z").await?;
    let client = &timed.system.client;
    let _device = timed.device("pc", DETECTS, "UTC").await?;
    let evening = client
        .task_create(&scheduled("evening", daily("18:00")))
        .await?;
    let night = client
        .task_create(&scheduled("night", daily("23:00")))
        .await?;
    let wanted = scheduled("wanted", daily("18:00"));
    let plan: Value = client.post("/tasks/plan", &wanted).await?.ok()?;
    assert_eq!(plan["load"], Value::Null, "nothing has run yet");
    assert_eq!(plan["clashes"].as_array().map(Vec::len), Some(1));
    let clash = &plan["clashes"][0];
    assert_eq!(clash["task"], json!(evening.id));
    assert_eq!(clash["devices"], 1);
    assert_eq!(clash["first"], "2027-03-01T18:00:00Z");
    assert_eq!(clash["starts"], 20);

    let by_hand = client.task_create(&scan("by hand")).await?;
    let run = client.task_start(by_hand.id).await?;
    client.run_finished(run.id).await?;
    // A task does not meet itself.
    let plan: Value = client.get(&format!("/tasks/{}/plan", night.id)).await?;
    assert_eq!(plan["clashes"], json!([]));
    assert_eq!(plan["load"]["results"], 1);
    let seconds = |of: &str| plan["load"][of].as_u64().unwrap_or(u64::MAX);
    assert!(seconds("median") <= seconds("most") && seconds("most") < 600);
    let shown = timed.system.muster(&["task", "plan", "evening"]).await?;
    let shown = shown.ok()?.out;
    assert!(shown.contains("by 1 result"), "{shown}");
    Ok(())
}
