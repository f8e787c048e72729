//! The server's edge over real TLS: starts, tokens, refusals, streams.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it does not expect"
)]

mod support;

use futures_util::StreamExt as _;
use muster_server::StartError;
use reqwest::Method;
use serde_json::{Value, json};
use support::{System, client, fingerprint, problem, start_on};

#[tokio::test]
async fn a_second_start_carries_on_and_a_second_server_is_refused() {
    let system = System::start().await;
    let created = system
        .ask(Method::POST, "/groups")
        .json(&json!({"name": "Office"}));
    let created = created.send().await.unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["location"], "/api/v1/groups/2");
    assert_eq!(fingerprint(&system.ca), system.server.fingerprint());

    let Err(error) = start_on(system.folder.path()).await else {
        panic!("two servers on one folder")
    };
    assert!(matches!(error, StartError::Folder(_)), "{error}");
    assert!(
        error.to_string().contains("another muster-server"),
        "{error}"
    );

    let System {
        server,
        folder,
        token,
        ca,
        ..
    } = system;
    let print = server.fingerprint();
    server.stop().await;
    let mut server = start_on(folder.path()).await.unwrap();
    assert!(server.take_first_token().is_none());
    assert_eq!(server.fingerprint(), print);
    let base = format!("https://{}", server.address());
    let system = System {
        server,
        folder,
        base,
        token,
        http: client(&ca, None),
        ca,
    };
    let groups = system.get("/groups").await;
    assert_eq!(groups["items"][1]["path"], "/Office");
    system.server.stop().await;
}

#[tokio::test]
async fn every_route_but_the_open_ones_needs_a_token() {
    let system = System::start().await;
    let document = system.get("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let open = operation.get("security").is_some() || path == "/metrics";
            let address = format!("{}{}", system.base, path.replace(['{', '}'], ""));
            let request = || system.http.request(method.clone(), &address);
            if open {
                assert!(
                    request().send().await.unwrap().status().is_success(),
                    "{path}"
                );
                continue;
            }
            asked += 1;
            assert_eq!(
                problem(request(), 401).await.code(),
                "token-missing",
                "{method} {path}"
            );
            let wrong = request().bearer_auth("muster-admin-wrong");
            assert_eq!(
                problem(wrong, 401).await.code(),
                "token-unknown",
                "{method} {path}"
            );
        }
    }
    assert!(asked > 30, "{asked}");
    let response = system
        .http
        .get(format!("{}/api/v1/server", system.base))
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer realm=\"muster\""
    );
    assert_eq!(system.get("/server").await["administrator"], "admin");
    system.server.stop().await;
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let system = System::start().await;
    let post = |path: &str, body: String| {
        let request = system
            .ask(Method::POST, path)
            .header("content-type", "application/json");
        request.body(body)
    };
    let told = async |request, status| {
        let problem = problem(request, status).await;
        (problem.code().to_owned(), problem.detail)
    };
    let task = |settings: &str| {
        format!(
            r#"{{"name":"t","application":"org.example.none","task_type":"x","scope":{{"kind":"group","group":"/"}},"settings":{settings}}}"#
        )
    };
    let (code, detail) = told(post("/tasks", task("{nope}")), 400).await;
    assert_eq!(code, "json-invalid");
    assert!(detail.contains("line 1 column"), "{detail}");
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(
        told(post("/tasks", task(&deep)), 400).await.0,
        "json-too-deep"
    );
    let large = format!("\"{}\"", "x".repeat(10 * 1024 * 1024));
    let (code, detail) = told(post("/tasks", task(&large)), 413).await;
    assert_eq!(code, "body-too-large");
    assert!(detail.contains("1 MiB"), "{detail}");
    let (code, detail) = told(
        post("/tasks", task("{}").replace("settings", "setings")),
        422,
    )
    .await;
    assert_eq!(code, "request-invalid");
    assert!(
        detail.contains("setings") && detail.contains("`settings`"),
        "{detail}"
    );
    assert_eq!(
        told(system.ask(Method::POST, "/groups").body("{}"), 415)
            .await
            .0,
        "media-type"
    );
    assert_eq!(
        told(system.ask(Method::GET, "/devices/7"), 404).await.0,
        "not-found"
    );
    assert_eq!(
        told(system.ask(Method::GET, "/tasks/abc"), 404).await.0,
        "not-found"
    );
    assert_eq!(
        told(system.ask(Method::GET, "/nonsense"), 404).await.0,
        "route-unknown"
    );
    assert_eq!(
        told(system.ask(Method::PUT, "/tasks"), 405).await.0,
        "method-not-allowed"
    );
    assert_eq!(
        told(system.ask(Method::GET, "/tasks?limit=0"), 400).await.0,
        "query-invalid"
    );
    assert_eq!(
        told(system.ask(Method::GET, "/tasks?colour=red"), 400)
            .await
            .0,
        "query-invalid"
    );
    assert_eq!(
        told(post("/groups", r#"{"name":"a/b"}"#.into()), 422)
            .await
            .0,
        "name-invalid"
    );

    let missing = problem(post("/tasks", task("{}")), 409).await;
    assert_eq!(missing.code(), "application-without-plugin");
    assert_eq!(missing.application.as_deref(), Some("org.example.none"));
    assert_eq!(missing.reason.as_deref(), Some("never-installed"));
    let events = system.get("/events?kind=task.refused&after=0").await;
    assert_eq!(
        events["items"][0]["fields"]["code"],
        "application-without-plugin"
    );
    system.server.stop().await;
}

#[tokio::test]
async fn what_is_no_plug_in_is_not_installed() {
    let system = System::start().await;
    let upload = |bytes: Vec<u8>| {
        system
            .ask(Method::POST, "/plugins")
            .header("content-type", "application/wasm")
            .body(bytes)
    };
    let problem = problem(upload(b"no component".to_vec()), 422).await;
    assert_eq!(problem.code(), "release-unsigned", "{}", problem.detail);
    let policy = system
        .ask(Method::PUT, "/trust/policy")
        .json(&json!({"policy": "dev"}));
    assert_eq!(policy.send().await.unwrap().status(), 204);
    for bytes in [
        b"no component".to_vec(),
        b"\0asm\x01\0\0\0".to_vec(),
        b"\0asm\x0d\0\x01\0\x07".to_vec(),
    ] {
        let problem = support::problem(upload(bytes), 422).await;
        assert_eq!(problem.code(), "plugin-invalid", "{}", problem.detail);
    }
    let problem = support::problem(upload(vec![0; 200 * 1024 * 1024]), 413).await;
    assert!(problem.detail.contains("64 MiB"), "{}", problem.detail);
    assert_eq!(system.get("/plugins").await["items"], json!([]));
    system.server.stop().await;
}

#[tokio::test]
async fn the_event_stream_tells_what_was_and_what_comes() {
    let system = System::start().await;
    let stream = system
        .ask(Method::GET, "/events/stream?after=0")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut bytes = stream.bytes_stream();
    let mut text = String::new();
    let mut until = async |wanted: &str| {
        while !text.contains(wanted) {
            let more = bytes.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&more).unwrap());
        }
        text.clone()
    };
    let first = until("administrator.created").await;
    assert!(
        first.contains("event: event\n") && first.contains("\nid: 1\n"),
        "{first}"
    );
    let group = system
        .ask(Method::POST, "/groups")
        .json(&json!({"name": "Lab"}));
    group.send().await.unwrap();
    until("group.created").await;
    // A stop does not wait for those who watch.
    system.server.stop().await;
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let system = System::start().await;
    let text = async |path: &str| {
        let response = system
            .http
            .get(format!("{}{path}", system.base))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    };
    assert_eq!(text("/healthz").await, "ok\n");
    assert_eq!(text("/readyz").await, "ready\n");
    let _: Value = system.get("/server").await;
    let metrics = text("/metrics").await;
    for line in [
        "muster_http_requests_total{method=\"GET\",route=\"/api/v1/server\",status=\"200\"} 1",
        "muster_devices_online 0",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(metrics.ends_with("# EOF\n") && metrics.matches("# EOF").count() == 1);
    system.server.stop().await;
}
