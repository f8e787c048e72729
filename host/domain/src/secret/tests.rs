use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Something of each shape that is known, none of which ever opened anything.
const PLANTED: [&str; 25] = [
    "-----BEGIN PRIVATE KEY-----\nMIIE",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ",
    "untrusted comment: minisign encrypted secret key\nRWRT",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_0123456789abcdefghijAB",
    "glpat-0123456789abcdefghij",
    "xoxb-0123456789-abcdef",
    "xapp-1-A0123456789",
    "https://hooks.slack.com/services/T00000000/B00000000/abcdefgh",
    "AIza0123456789abcdefghijABCDEFGHIJ01234",
    "sk_live_0123456789abcdef",
    "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "pypi-AgE0123456789abcdefghij",
    "sk-ant-0123456789abcdefghijABCDEFGHIJ012345",
    "muster-enroll-0123456789abcdefghijABCDEF",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Authorization: Bearer 0123456789abcdef",
    "https://anna:hunter2@mirror.example/clamav",
    "password=hunter2",
    "user=anna;PWD = hunter2",
    "{\"api_key\": \"hunter2\"}",
    "--password hunter2",
    "client --token=hunter2",
];

/// What only looks a little like one.
const HARMLESS: [&str; 18] = [
    "",
    "/etc/ssl/private/key.pem",
    "https://mirror.example/clamav?a=b@c",
    "anna@example.org",
    "password",
    "The password of the mirror",
    "a token for each device",
    "password=$PASSWORD",
    "--password-file /etc/password",
    "token={token}",
    "-----BEGIN CERTIFICATE-----\nMIIE",
    "-----BEGIN PUBLIC KEY-----",
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "550e8400-e29b-41d4-a716-446655440000",
    "30 12 * * mon-fri",
    "bearer of news",
    "basic scan",
    "http://[::1]:8080/",
];

#[test]
fn each_shape_is_known() {
    for planted in PLANTED {
        let found = scan(&json!({"a": [{"b/c": planted}]}), None);
        let [inline] = found.as_slice() else {
            panic!("{planted}: {found:?}");
        };
        assert_eq!(inline.pointer, "/a/0/b~1c", "{planted}");
        assert!(inline.is_guess());
        let key = scan(&json!({"a": {planted: 1}}), None);
        assert_eq!(key[0].pointer, "/a", "{planted}");
    }
}

#[test]
fn what_is_harmless_passes() {
    for text in HARMLESS {
        let settings = json!({"text": text, "list": [text], text: 1});
        assert_eq!(scan(&settings, None), [], "{text}");
        assert_eq!(scan_text(text), None);
    }
}

#[test]
fn a_name_that_speaks_of_a_secret_holds_none() {
    let settings = json!({
        "password": "x", "proxy": {"api-key": "y", "apiKey": ""}, "token": {"secret": "name"},
        "secret": true, "DB_PASSWORD": null, "tokens": "z", "password-file": "/etc/p",
        "both": {"secret": "name", "more": 1}
    });
    let places: Vec<String> = scan(&settings, None)
        .into_iter()
        .map(|inline| inline.pointer)
        .collect();
    assert_eq!(places, ["/both/secret", "/password", "/proxy/api-key"]);
}

#[test]
fn what_a_schema_marks_cannot_be_overruled() {
    let schema = json!({"properties": {
        "pin": {"type": "string", "format": "password"},
        "key": {"writeOnly": true}, "old": {"writeOnly": true}, "none": {"writeOnly": true}
    }});
    let settings = json!({
        "pin": "1234", "key": {"password": "x"}, "old": null, "none": "", "other": "password=hunter2"
    });
    let found = scan(&settings, Some(&schema));
    let told: Vec<(&str, bool)> = found
        .iter()
        .map(|inline| (inline.pointer.as_str(), inline.is_guess()))
        .collect();
    assert_eq!(told, [("/key", false), ("/other", true), ("/pin", false)]);
    let referred = json!({"pin": {"secret": "pin"}, "key": {"secret": "key"}});
    assert_eq!(scan(&referred, Some(&schema)), []);
}

#[test]
fn what_a_schema_marks_is_found() {
    let schema = json!({"properties": {
        "user": {"type": "string"},
        "pin": {"type": "string", "format": "password"},
        "keys": {"items": {"properties": {"value": {"writeOnly": true}}}}
    }});
    let settings = json!({
        "user": "anna", "pin": "1234", "other": {"pin": 1},
        "keys": [{"value": {"a": "b"}}, {"name": "x"}, {"value": {"secret": "named"}}]
    });
    assert_eq!(places_of(&settings, &schema), ["/keys/0/value", "/pin"]);
}

fn places_of(settings: &Value, schema: &Value) -> Vec<String> {
    let found = marked(settings, schema).into_iter();
    found.map(|marked| marked.pointer).collect()
}

#[test]
fn where_a_name_belongs_a_secret_is_suspected() {
    let schema = json!({"properties": {"pin": {"anyOf": [
        {"type": "null"}, {"properties": {"secret": {"type": "string"}}, "required": ["secret"]}
    ]}}});
    let found = scan(&json!({"pin": "1234"}), Some(&schema));
    assert_eq!(
        (found[0].kind, found[0].is_guess()),
        (Kind::Reference, true)
    );
    assert_eq!(scan(&json!({"pin": null}), Some(&schema)), []);
    assert_eq!(scan(&json!({"pin": {"secret": "pin"}}), Some(&schema)), []);
}

#[test]
fn whatever_way_leads_to_a_mark_is_gone() {
    let secret = json!({"writeOnly": true});
    for schema in [
        json!({"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": secret}}),
        json!({"allOf": [{"properties": {"a": secret}}]}),
        json!({"properties": {"a": {"anyOf": [{"type": "null"}, secret]}}}),
        json!({"oneOf": [{"$ref": "#/$defs/o"}], "$defs": {"o": {"properties": {"a": secret}}}}),
        json!({"if": {"required": ["b"]}, "then": {"properties": {"a": secret}}}),
        json!({"else": {"properties": {"a": secret}}}),
        json!({"additionalProperties": secret}),
        json!({"patternProperties": {"^a$": secret}}),
        json!({"dependentSchemas": {"b": {"properties": {"a": secret}}}}),
    ] {
        assert_eq!(
            places_of(&json!({"a": "hidden"}), &schema),
            ["/a"],
            "{schema}"
        );
    }
    let schema = json!({"prefixItems": [{}, secret]});
    assert_eq!(places_of(&json!([1, "hidden"]), &schema), ["/1"]);
}

#[test]
fn a_schema_in_circles_has_an_end() {
    let schema = json!({"$ref": "#", "allOf": [{"$ref": "#"}],
        "properties": {"a": {"$ref": "#"}, "b": {"writeOnly": true}}});
    let settings = json!({"a": {"a": {"b": "hidden"}}});
    assert_eq!(places_of(&settings, &schema), ["/a/a/b"]);
}

#[test]
fn names_are_as_the_contract_has_them() {
    let taken = |name: &str| name.parse::<SecretName>().is_ok();
    assert!(taken("proxy") && taken("Büro/proxy key") && taken(&"x".repeat(100)));
    let long = "ü".repeat(51);
    for name in ["", " a", "a\n", "a\u{1b}[2J", &long] {
        assert!(!taken(name), "{name:?}");
    }
    assert!(serde_json::from_str::<SecretName>("\" a\"").is_err());
}

/// Settings of any shape, in which nothing is secret.
fn settings() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        proptest::sample::select(&HARMLESS[..]).prop_map(Value::from),
        Just(json!({"secret": "named"})),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-f/~]{1,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn places(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Array(entries) => entries.iter().map(places).sum(),
        Value::Object(members) => members.values().map(places).sum(),
        _ => 0,
    };
    1 + inner
}

/// Puts a text into one of the places of a value, the `at`th as they are met.
fn plant(value: &mut Value, text: &str, at: &mut usize) -> bool {
    if *at == 0 {
        *value = Value::from(text);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(entries) => entries.iter_mut().any(|entry| plant(entry, text, at)),
        Value::Object(members) => members.values_mut().any(|member| plant(member, text, at)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_secret_is_found_wherever_it_is_planted(
        mut settings in settings(),
        planted in proptest::sample::select(&PLANTED[..]),
        before in "[ ,(]{0,2}",
        at in any::<proptest::sample::Index>(),
    ) {
        prop_assert_eq!(scan(&settings, None), []);
        let text = format!("{before}{planted}");
        let mut at = at.index(places(&settings));
        prop_assert!(plant(&mut settings, &text, &mut at));
        let found = scan(&settings, None);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(settings.pointer(&found[0].pointer), Some(&Value::from(text.as_str())));
        let told = serde_json::to_string(&[found[0].finding(), found[0].allowed()]).unwrap();
        prop_assert!(!told.contains(planted));
    }

    #[test]
    fn references_are_found_where_they_stand(settings in settings()) {
        for reference in references(&settings) {
            let value = settings.pointer(&reference.pointer).unwrap();
            prop_assert_eq!(value, &json!({"secret": reference.name}));
        }
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        scan(&json!({"password": text, "b": [text]}), None);
    }
}
