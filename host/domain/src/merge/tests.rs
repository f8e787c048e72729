//! The rules of merging, over random tasks and by example.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4).prop_map(Value::from),
        "[ab]".prop_map(Value::from),
        prop::collection::vec(0..3, 0..3).prop_map(Value::from),
    ]
}

/// Few names, so that both sides meet in them; one has to be escaped.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("c/~".to_owned())
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 3, |inner| {
        prop::collection::vec((name(), inner), 0..3)
            .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    Just(Fields::Whole).prop_recursive(3, 12, 3, |inner| {
        let below = prop::collection::btree_map(name(), inner, 0..3);
        (below, prop::collection::btree_set(name(), 0..3))
            .prop_map(|(below, tied)| Fields::Each { below, tied })
    })
}

fn at<'a>(whole: &'a Value, pointer: &str) -> Option<&'a Value> {
    whole.pointer(pointer)
}

proptest! {
    #[test]
    fn who_changed_nothing_loses_nothing(base in value(), other in value(), fields in fields()) {
        let administrators = merge(&base, &other, &base, &fields);
        prop_assert_eq!(&administrators.whole, &other);
        prop_assert!(administrators.lost.is_empty());
        let users = merge(&base, &base, &other, &fields);
        prop_assert_eq!(&users.whole, &other);
        prop_assert!(users.lost.is_empty());
        let both = merge(&base, &other, &other, &fields);
        prop_assert_eq!(&both.whole, &other);
        prop_assert!(both.lost.is_empty());
    }

    /// Each place that the user changed has the user's value, or stands among what is lost, with it.
    #[test]
    fn nothing_vanishes_without_a_record(
        base in value(), administrator in value(), user in value(), fields in fields(),
    ) {
        let merged = merge(&base, &administrator, &user, &fields);
        for change in delta(&base, &user) {
            let place = change.pointer.as_str();
            let kept = at(&merged.whole, place) == change.to.as_ref();
            let told = merged.lost.iter().any(|lost| {
                // A field holds all that is below it, and may have become less than that.
                let within = place.starts_with(&lost.pointer) || lost.pointer.starts_with(place);
                within && at(&user, &lost.pointer) == lost.user.as_ref()
            });
            prop_assert!(kept || told, "{} of {:?}", place, merged);
        }
    }

    /// Where the user's value does not stand, the administrator's does, and it differs from the base.
    #[test]
    fn the_administrator_wins(
        base in value(), administrator in value(), user in value(), fields in fields(),
    ) {
        let merged = merge(&base, &administrator, &user, &fields);
        for lost in &merged.lost {
            let place = lost.pointer.as_str();
            prop_assert_eq!(at(&merged.whole, place), at(&administrator, place));
            prop_assert_eq!(lost.administrator.as_ref(), at(&administrator, place));
            prop_assert_ne!(at(&user, place), at(&administrator, place));
            prop_assert_ne!(at(&user, place), at(&base, place));
            prop_assert_ne!(&administrator, &base);
        }
        for change in delta(&base, &administrator) {
            let place = change.pointer.as_str();
            let is_field = fields_at(&fields, place);
            if is_field {
                prop_assert_eq!(at(&merged.whole, place), change.to.as_ref());
            }
        }
    }

    /// Without a conflict it is one whoever is called the administrator.
    #[test]
    fn without_a_conflict_it_commutes(
        base in value(), one in value(), other in value(), fields in fields(),
    ) {
        let merged = merge(&base, &one, &other, &fields);
        let turned = merge(&base, &other, &one, &fields);
        prop_assert_eq!(merged.lost.is_empty(), turned.lost.is_empty());
        if merged.lost.is_empty() {
            prop_assert_eq!(merged.whole, turned.whole);
        }
    }

    /// Merging what came of it once more changes nothing.
    #[test]
    fn once_merged_it_stays(
        base in value(), administrator in value(), user in value(), fields in fields(),
    ) {
        let merged = merge(&base, &administrator, &user, &fields);
        let again = merge(&administrator, &merged.whole, &administrator, &fields);
        prop_assert_eq!(again.whole, merged.whole);
        prop_assert!(again.lost.is_empty());
    }

    #[test]
    fn a_difference_leads_from_one_to_the_other(one in value(), other in value()) {
        let task = |settings: &Value| json!({ "settings": settings });
        let (one, other) = (task(&one), task(&other));
        prop_assert_eq!(with(&one, &delta(&one, &other)).unwrap(), other);
    }
}

/// Whether a place is a field by itself: reached through `Each` all the way.
fn fields_at(fields: &Fields, place: &str) -> bool {
    let mut at = fields;
    let names: Vec<String> = place.split('/').skip(1).map(unescaped).collect();
    for name in &names {
        match at {
            Fields::Whole => return false,
            Fields::Each { tied, .. } if tied.contains(name) => return Some(name) == names.last(),
            Fields::Each { below, .. } => match below.get(name) {
                Some(next) => at = next,
                None => return Some(name) == names.last(),
            },
        }
    }
    *at == Fields::Whole
}

fn each(names: &[&str], tied: &[&str]) -> Fields {
    let below = names.iter().map(|name| ((*name).into(), Fields::Whole));
    Fields::Each {
        below: below.collect(),
        tied: tied.iter().map(|name| (*name).into()).collect(),
    }
}

#[test]
fn fields_are_merged_one_by_one_and_the_loser_is_told() {
    let base =
        json!({"name": "scan", "settings": {"area": "system", "paths": ["/a"], "deep": false}});
    let administrator =
        json!({"name": "scan", "settings": {"area": "paths", "paths": ["/a"], "deep": false}});
    let user =
        json!({"name": "mine", "settings": {"area": "memory", "paths": ["/b"], "deep": false}});
    let schema = json!({"type": "object", "properties": {"area": {}, "paths": {}, "deep": {}}});
    let merged = merge(
        &base,
        &administrator,
        &user,
        &Fields::of_task(Some(&schema)),
    );
    assert_eq!(
        merged.whole,
        json!({"name": "mine", "settings": {"area": "paths", "paths": ["/b"], "deep": false}})
    );
    let lost = Lost {
        pointer: "/settings/area".into(),
        user: Some(json!("memory")),
        administrator: Some(json!("paths")),
    };
    assert_eq!(merged.lost, [lost]);
}

#[test]
fn settings_whose_fields_hang_together_are_one() {
    let base = json!({"name": "scan", "settings": {"area": "system", "paths": []}});
    let administrator = json!({"name": "scan", "settings": {"area": "paths", "paths": []}});
    let user = json!({"name": "mine", "settings": {"area": "system", "paths": ["/b"]}});
    let merged = merge(&base, &administrator, &user, &Fields::of_task(None));
    assert_eq!(
        merged.whole,
        json!({"name": "mine", "settings": {"area": "paths", "paths": []}})
    );
    assert_eq!(merged.lost.len(), 1);
    assert_eq!(merged.lost[0].pointer, "/settings");
    assert_eq!(
        merged.lost[0].user,
        Some(json!({"area": "system", "paths": ["/b"]}))
    );
}

#[test]
fn what_is_taken_out_and_what_is_added_are_changes_as_well() {
    let fields = each(&["a", "b", "c"], &[]);
    let base = json!({"a": 1, "b": 1});
    let merged = merge(
        &base,
        &json!({"a": 1, "b": 2}),
        &json!({"b": 1, "c": 3}),
        &fields,
    );
    assert_eq!(merged.whole, json!({"b": 2, "c": 3}));
    assert!(merged.lost.is_empty());
    // One takes out what the other changed.
    let merged = merge(&base, &json!({"a": 1}), &json!({"a": 1, "b": 5}), &fields);
    assert_eq!(merged.whole, json!({"a": 1}));
    assert_eq!(merged.lost[0].user, Some(json!(5)));
    assert_eq!(merged.lost[0].administrator, None);
}

#[test]
fn names_that_are_tied_are_one_field() {
    let fields = each(&["area", "paths", "deep"], &["area", "paths"]);
    let base = json!({"area": "quick", "paths": [], "deep": 1});
    let administrator = json!({"area": "full", "paths": [], "deep": 1});
    let user = json!({"area": "quick", "paths": ["/a"], "deep": 2});
    let merged = merge(&base, &administrator, &user, &fields);
    assert_eq!(
        merged.whole,
        json!({"area": "full", "paths": [], "deep": 2})
    );
    assert_eq!(merged.lost.len(), 1);
    assert_eq!(merged.lost[0].pointer, "/paths");
    assert_eq!(merged.lost[0].user, Some(json!(["/a"])));
    // Who has what the other changed as well, and more, is in conflict with nobody.
    let user = json!({"area": "full", "paths": ["/a"], "deep": 1});
    let merged = merge(&base, &administrator, &user, &fields);
    assert_eq!(merged.whole, user);
    assert!(merged.lost.is_empty());
}

#[test]
fn an_object_has_fields_only_where_its_schema_says_what_ties_them() {
    let free = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {
            "deep": {"type": "object", "properties": {"x": {"type": "string"}}},
            "tied": {"type": "object", "properties": {"x": {}}, "minProperties": 1},
            "list": {"type": "array"},
        },
        "required": ["list"], "additionalProperties": false, "x-order": ["deep"],
    });
    let of = |keyword: &str, value: Value| {
        let mut schema = free.clone();
        schema[keyword] = value;
        Fields::of_schema(&schema)
    };
    let Fields::Each { below, tied } = Fields::of_schema(&free) else {
        panic!("one field")
    };
    assert!(tied.is_empty());
    assert_eq!(below["deep"], each(&["x"], &[]));
    assert_eq!(below["tied"], Fields::Whole);
    assert_eq!(below["list"], Fields::Whole);
    let condition = json!({"properties": {"deep": {"const": 1}}, "required": ["list"]});
    for (keyword, value) in [
        ("if", condition.clone()),
        ("then", condition.clone()),
        ("else", condition.clone()),
        ("not", condition.clone()),
        ("allOf", json!([{"if": condition, "then": true}])),
        (
            "anyOf",
            json!([{"required": ["deep"]}, {"required": ["list"]}]),
        ),
        (
            "oneOf",
            json!([{"required": ["deep"]}, {"not": {"required": ["list"]}}]),
        ),
        ("dependentRequired", json!({"deep": ["list"]})),
        ("dependentSchemas", json!({"deep": {"required": ["list"]}})),
    ] {
        let Fields::Each { tied, .. } = of(keyword, value) else {
            panic!("{keyword}: one field")
        };
        assert_eq!(
            tied,
            ["deep".to_owned(), "list".to_owned()].into(),
            "{keyword}"
        );
    }
    for (keyword, value) in [
        ("minProperties", json!(1)),
        ("maxProperties", json!(1)),
        ("propertyNames", json!({})),
        ("patternProperties", json!({})),
        ("unevaluatedProperties", json!(false)),
        ("additionalProperties", json!({"type": "string"})),
        ("const", json!({})),
        ("enum", json!([])),
        ("$ref", json!("#/$defs/x")),
        ("$dynamicRef", json!("#x")),
        ("if", json!({"$ref": "#/$defs/x"})),
        ("allOf", json!([{"minProperties": 1}])),
        ("dependentRequired", json!([])),
        ("aKeywordOfTheFuture", json!({})),
    ] {
        assert_eq!(of(keyword, value), Fields::Whole, "{keyword}");
    }
    for odd in [
        json!(true),
        json!({}),
        json!({"properties": {"a": {}}}),
        json!({"type": "object"}),
    ] {
        assert_eq!(Fields::of_schema(&odd), Fields::Whole, "{odd}");
    }
}

#[test]
fn places_of_changes_are_looked_at() {
    let base = json!({"settings": {"a": 1}});
    let change = |pointer: &str| {
        let to = Some(json!(2));
        let pointer = pointer.to_owned();
        with(&base, &[FieldChange { pointer, to }])
    };
    assert_eq!(
        change("/settings/b/c").unwrap(),
        json!({"settings": {"a": 1, "b": {"c": 2}}})
    );
    assert_eq!(
        change("/settings/a/x").unwrap(),
        json!({"settings": {"a": {"x": 2}}})
    );
    for wrong in ["", "name", &"/a".repeat(33)] {
        assert_eq!(change(wrong).unwrap_err().code, "change-place", "{wrong}");
    }
}
