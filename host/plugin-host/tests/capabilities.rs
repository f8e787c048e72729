//! Capabilities: what is granted works within its bounds, and nothing else does. Each import is tried
//! granted, not granted and withdrawn.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by it"
)]

mod support;

use muster_domain::ApplicationId;
use muster_domain::application::Limit;
use muster_domain::chain;
use muster_domain::grant::{Capability, Grants};
use muster_plugin_host::{CallFailure, Config, Fault, Terms};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use support::TestHost;
use support::capable::{all, capable, folder, granted, said};

/// Every function that can be imported, how the guest is told to call it, what it says when that is
/// granted, and the capability; `None` for what every plug-in may.
const IMPORTS: [(&str, &str, &str, Option<Capability>); 9] = [
    (
        "files.write",
        r#"{"do":"write","name":"a","size":3}"#,
        "Ok(())",
        Some(Capability::Files),
    ),
    (
        "files.read",
        r#"{"do":"read","name":"a"}"#,
        "Ok(3)",
        Some(Capability::Files),
    ),
    (
        "files.list-files",
        r#"{"do":"list"}"#,
        "Ok([File",
        Some(Capability::Files),
    ),
    (
        "files.usage",
        r#"{"do":"space"}"#,
        "Ok((3, 1))",
        Some(Capability::Files),
    ),
    (
        "files.remove",
        r#"{"do":"remove","name":"a"}"#,
        "Ok(())",
        Some(Capability::Files),
    ),
    (
        "clock.now",
        r#"{"do":"now"}"#,
        "Ok(1",
        Some(Capability::Clock),
    ),
    (
        "random.bytes",
        r#"{"do":"random-length","size":9}"#,
        "Ok(9)",
        Some(Capability::Random),
    ),
    (
        "data.list-files",
        r#"{"do":"data","name":"none"}"#,
        r#"([DataFile { name: "products.txt", size: 14"#,
        None,
    ),
    (
        "data.read",
        r#"{"do":"data","name":"products.txt"}"#,
        ", Ok([115, 99, ",
        None,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_import_answers_if_it_is_granted_and_is_denied_else() {
    let host = TestHost::new();
    let plugin = host.host.load(capable(""), Terms::default()).await.unwrap();
    let settings = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    for (import, call, _, needs) in IMPORTS {
        let answer = said(&plugin, settings(call)).await.unwrap();
        let denied = answer.starts_with("Err(") && answer.contains("Denied");
        assert_eq!(
            denied,
            needs.is_some(),
            "{import}, nothing granted: {answer}"
        );
    }
    assert!(plugin.is_pure());
    assert!(!folder(&host).exists());
    // Everything but this one.
    for (import, call, _, needs) in IMPORTS {
        let Some(needs) = needs else { continue };
        let others = Capability::ALL.into_iter().filter(|one| *one != needs);
        let others: Vec<_> = others.collect();
        plugin.set_terms(&Terms::active(granted(&others))).unwrap();
        let answer = said(&plugin, settings(call)).await.unwrap();
        assert!(
            answer.contains("Denied"),
            "{import}, all others granted: {answer}"
        );
    }
    // This one alone, and then withdrawn, without loading it anew.
    for (import, call, answers, needs) in IMPORTS {
        let Some(needs) = needs else { continue };
        plugin.set_terms(&Terms::active(granted(&[needs]))).unwrap();
        assert!(!plugin.is_pure());
        let answer = said(&plugin, settings(call)).await.unwrap();
        assert!(answer.starts_with(answers), "{import}, granted: {answer}");
        plugin.set_terms(&Terms::default()).unwrap();
        let answer = said(&plugin, settings(call)).await.unwrap();
        assert!(answer.contains("Denied"), "{import}, withdrawn: {answer}");
        assert!(plugin.is_pure());
    }
    for (import, call, answers, needs) in IMPORTS {
        if needs.is_none() {
            let answer = said(&plugin, settings(call)).await.unwrap();
            assert!(answer.contains(answers), "{import}: {answer}");
        }
    }
    assert_eq!(host.host.counters().compiled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn describe_gets_nothing_whatever_is_granted() {
    let host = TestHost::new();
    let plugin = host
        .host
        .load(capable("used-in-describe"), all())
        .await
        .unwrap();
    let vendor = &plugin.description().vendor;
    assert_eq!(vendor.matches("Denied").count(), 3, "{vendor}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_for_or_not_offered_is_refused_by_name() {
    let host = TestHost::new();
    for (asks, says) in [
        (
            "nothing",
            "it imports muster:plugin/files@1.0.0 and does not ask for `files`",
        ),
        (
            "network",
            "there is no \"network\" on this server; it offers files, clock, random",
        ),
        ("zero", "limits/0/value: no plug-in can do with 0"),
    ] {
        let error = host.host.load(capable(asks), all()).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Plugin);
        assert!(chain(&error).contains(says), "{asks}: {}", chain(&error));
    }
    for (import, says) in [
        (
            "muster:plugin/network@1.0.0\" (instance)",
            "muster:plugin/network@1.0.0",
        ),
        (
            "muster:plugin/clock@2.0.0\" (instance)",
            "muster:plugin/clock@2.0.0",
        ),
        ("muster:plugin/files\" (instance)", "muster:plugin/files"),
        (
            "muster:plugin/clock@1.9.0\" (instance (export \"set\" (func)))",
            "muster:plugin/clock@1.9.0#set, which this server does not have",
        ),
        (
            "muster:plugin/files@1.0.0\" (instance (export \"open\" (func)))",
            "muster:plugin/files@1.0.0#open, which this server does not have",
        ),
        (
            "muster:plugin/random@1.0.0\" (func)",
            "something other than an interface",
        ),
    ] {
        let exports = ["describe", "validate", "translate"]
            .map(|name| format!("(export \"muster:plugin/{name}@1.0.0\" (instance $empty))"))
            .concat();
        let component = format!("(component (import \"{import}) (instance $empty) {exports})");
        let component = wat::parse_str(component).unwrap();
        let error = host.host.load(component.into(), all()).await.unwrap_err();
        assert!(chain(&error).contains(says), "{import}: {}", chain(&error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outlive_calls_and_revisions_and_go_with_the_plug_in() {
    let host = TestHost::new();
    let first = host.host.load(capable(""), all()).await.unwrap();
    said(&first, json!({"do": "write", "name": "kept", "size": 5}))
        .await
        .unwrap();
    // A call that fails afterwards leaves what it wrote, whole.
    let error = said(
        &first,
        json!({"do": "write-and-trap", "name": "trapped", "size": 7}),
    )
    .await;
    assert!(matches!(
        error.unwrap_err().failure,
        CallFailure::Trapped(_)
    ));

    // Another revision reads it and leaves it alone while it is only tried.
    let trial = Terms::trial(all().grants);
    let second = host.host.load(capable("2.0.0"), trial).await.unwrap();
    assert_ne!(first.digest(), second.digest());
    let read = json!({"do": "read", "name": "kept"});
    assert_eq!(said(&second, read.clone()).await.unwrap(), "Ok(5)");
    for change in ["write", "remove"] {
        let answer = said(&second, json!({"do": change, "name": "kept"}))
            .await
            .unwrap();
        assert!(answer.contains("ReadOnly"), "{answer}");
    }
    // Its own example says `write`, and was validated at the gate.
    assert_eq!(
        said(&second, json!({"do": "space"})).await.unwrap(),
        "Ok((12, 2))"
    );
    second.set_terms(&all()).unwrap();
    said(&second, json!({"do": "remove", "name": "trapped"}))
        .await
        .unwrap();
    assert_eq!(
        said(&first, json!({"do": "space"})).await.unwrap(),
        "Ok((5, 1))"
    );

    // After a restart too.
    let again = support::start(&host.private(), Config::default());
    let plugin = again.load(capable(""), Terms::active(granted(&[Capability::Files])));
    assert_eq!(
        said(&plugin.await.unwrap(), read.clone()).await.unwrap(),
        "Ok(5)"
    );

    let application: ApplicationId = "org.example.capable".parse().unwrap();
    host.host.files_remove(&application).unwrap();
    assert!(!folder(&host).exists());
    assert!(
        said(&second, read.clone())
            .await
            .unwrap()
            .contains("Denied")
    );
    let write = json!({"do": "write", "name": "kept"});
    assert!(said(&second, write).await.unwrap().contains("Denied"));
    assert!(!folder(&host).exists());
    second.set_terms(&all()).unwrap();
    assert!(said(&second, read).await.unwrap().contains("NotFound"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_keep_to_their_names_their_quota_and_their_folder() {
    let host = TestHost::with(Config {
        files_size: 1,
        files_number: 4,
        call_threads: 4,
        // Each change waits for the disk.
        validate_time: 20_000,
        ..Config::default()
    });
    let plugin = host.host.load(capable(""), all()).await.unwrap();
    let kib = |count: u32| count << 10;
    for name in ["../b", "..", "/etc/passwd", "a/b", ".a", "A", "", "a\u{0}"] {
        for what in ["read", "write", "remove"] {
            let answer = said(&plugin, json!({"do": what, "name": name}))
                .await
                .unwrap();
            assert!(answer.contains("BadName"), "{what} {name:?}: {answer}");
        }
    }
    let too_large = json!({"do": "write", "name": "large", "size": kib(1024) + 1});
    assert!(
        said(&plugin, too_large)
            .await
            .unwrap()
            .contains("TooLarge(1048576)")
    );
    let too_large = json!({"do": "read-part", "name": "large", "size": kib(1024) + 1});
    assert!(
        said(&plugin, too_large)
            .await
            .unwrap()
            .contains("TooLarge(1048576)")
    );
    let many = said(
        &plugin,
        json!({"do": "write-many", "name": "many", "size": 100}),
    );
    let many = many.await.unwrap();
    assert!(
        many.contains("(64, ") && many.contains("TooManyChanges(64)"),
        "{many}"
    );
    said(&plugin, json!({"do": "remove", "name": "many"}))
        .await
        .unwrap();

    // Calls at the same time: 4 of 300 KiB do not fit into 1 MiB.
    let names = ["w", "x", "y", "z"];
    let writing = names.map(|name| {
        said(
            &plugin,
            json!({"do": "write", "name": name, "size": kib(300)}),
        )
    });
    let answers = futures_util::future::join_all(writing).await;
    let written = answers
        .iter()
        .filter(|answer| answer.as_ref().unwrap() == "Ok(())");
    assert_eq!(written.count(), 3, "{answers:?}");
    let refused = answers
        .iter()
        .filter(|answer| answer.as_ref().unwrap().contains("NoSpace"));
    assert_eq!(refused.count(), 1, "{answers:?}");
    // And no fifth file, however small.
    for (name, fits) in [("one", true), ("two", false)] {
        let answer = said(&plugin, json!({"do": "write", "name": name}))
            .await
            .unwrap();
        assert_eq!(answer == "Ok(())", fits, "{name}: {answer}");
    }

    // A link that somebody else put into the folder is not followed.
    let secret = host.folder.path().join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    std::fs::remove_file(folder(&host).join("one")).unwrap();
    std::os::unix::fs::symlink(&secret, folder(&host).join("one")).unwrap();
    let answer = said(&plugin, json!({"do": "read", "name": "one"}))
        .await
        .unwrap();
    assert!(answer.contains("disk-failed"), "{answer}");
    said(&plugin, json!({"do": "write", "name": "one"}))
        .await
        .unwrap();
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_the_server_s_and_stands_still_in_a_call() {
    let host = TestHost::with(Config {
        validate_time: 5000,
        ..Config::default()
    });
    let plugin = host.host.load(capable(""), all()).await.unwrap();
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis()
    };
    let before = now();
    let answer = said(&plugin, json!({"do": "now"})).await.unwrap();
    let told = answer.trim_start_matches("Ok(").trim_end_matches(')');
    assert!(
        (before..=now()).contains(&told.parse().unwrap()),
        "{answer}"
    );
    let twice = said(&plugin, json!({"do": "now-twice", "size": 1}))
        .await
        .unwrap();
    assert!(twice.starts_with("(true, "), "{twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_differ_and_end() {
    let host = TestHost::new();
    let plugin = host.host.load(capable(""), all()).await.unwrap();
    let bytes = json!({"do": "random", "size": 16});
    let first = said(&plugin, bytes.clone()).await.unwrap();
    assert_ne!(first, said(&plugin, bytes).await.unwrap());
    for (size, says) in [(64 << 10, "Ok(65536)"), ((64 << 10) + 1, "TooLarge(65536)")] {
        let answer = said(&plugin, json!({"do": "random-length", "size": size}))
            .await
            .unwrap();
        assert!(answer.contains(says), "{size}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_granted_as_far_as_the_host_goes_and_withdrawn() {
    let host = TestHost::with(Config {
        most_memory: 200,
        validate_time: 5000,
        ..Config::default()
    });
    let memory = |mebibytes| {
        let mut grants = Grants::default();
        grants.limits.extend([(Limit::Memory, mebibytes)]);
        Terms::active(grants)
    };
    let plugin = host
        .host
        .load(capable("memory"), Terms::default())
        .await
        .unwrap();
    assert_eq!(plugin.description().limits[0].value, 128);
    let grow = |size: u32| said(&plugin, json!({"do": "grow", "size": size}));
    let refused = |limit: usize| CallFailure::OutOfMemory { limit: limit << 20 };
    assert_eq!(grow(100).await.unwrap_err().failure, refused(64));
    plugin.set_terms(&memory(128)).unwrap();
    assert_eq!(grow(100).await.unwrap(), (100 << 20).to_string());
    assert_eq!(grow(150).await.unwrap_err().failure, refused(128));
    plugin.set_terms(&memory(4000)).unwrap();
    assert_eq!(grow(250).await.unwrap_err().failure, refused(200));
    plugin.set_terms(&Terms::default()).unwrap();
    assert_eq!(grow(100).await.unwrap_err().failure, refused(64));
    assert!(plugin.is_pure());
}

/// A component with one more custom section at its end.
fn with_section(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let number = |mut value: usize| {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap());
        bytes
    };
    let name = [&number(name.len()), name.as_bytes()].concat();
    let size = number(name.len() + content.len());
    [component, &[0], &size, &name, content].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_files_can_be_added_to_a_finished_component_and_are_bounded() {
    let host = TestHost::new();
    let plain = capable("");
    let added = with_section(&plain, "muster:data/added.bin", &[7; 3]);
    let plugin = host
        .host
        .load(added.into(), Terms::default())
        .await
        .unwrap();
    let answer = said(&plugin, json!({"do": "data", "name": "added.bin"}))
        .await
        .unwrap();
    assert!(
        answer.contains("added.bin")
            && answer.contains("products.txt")
            && answer.ends_with("Ok([7, 7, 7]))"),
        "{answer}"
    );
    assert!(plugin.is_pure());
    let large = vec![0; (16 << 20) + 1];
    for (name, content, says) in [
        ("muster:data/../x", &b"x"[..], "is no data file"),
        ("muster:data/", b"x", "is no data file"),
        (
            "muster:data/products.txt",
            b"x",
            "two data files of the name products.txt",
        ),
        ("muster:data/large", &large, "more than 16 MiB together"),
    ] {
        let bad = with_section(&plain, name, content);
        let error = host
            .host
            .load(bad.into(), Terms::default())
            .await
            .unwrap_err();
        assert_eq!(error.fault(), Fault::Plugin);
        assert!(chain(&error).contains(says), "{name}: {}", chain(&error));
    }
}
