//! From a [`Plugin`](crate::Plugin) to a component's exports.

/// Makes a component of a plug-in: `export!(ClamAv)` exports what is required, and
/// `export!(ClamAv, interpret)`, `export!(ClamAv, interpret, migrate)` what is named as well.
/// Natively it does nothing. Use it once, in the plug-in's `lib.rs`.
///
/// ```
/// use muster_sdk::{About, AnyTask, Plugin};
///
/// struct Scanner;
///
/// impl Plugin for Scanner {
///     const ABOUT: About = About {
///         application: "org.example.scanner",
///         name: "Scanner",
///         vendor: "Example",
///         version: "1.0.0",
///         manages: "*",
///     };
///     const TASKS: &'static [&'static dyn AnyTask] = &[];
/// }
///
/// muster_sdk::export!(Scanner, interpret, migrate);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ident $(, $optional:ident)* $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::base::exports::muster::plugin as exports;

            struct Component;

            impl exports::describe::Guest for Component {
                fn describe() -> $crate::Description {
                    <$plugin as $crate::Plugin>::describe()
                }
            }

            impl exports::validate::Guest for Component {
                fn validate(
                    task_type: String,
                    settings: String,
                ) -> Result<$crate::Verdict, $crate::Failure> {
                    <$plugin as $crate::Plugin>::validate(&task_type, &settings)
                }
            }

            impl exports::translate::Guest for Component {
                fn translate(
                    task_type: String,
                    settings: String,
                    profiles: Vec<$crate::Profile>,
                ) -> Vec<Result<$crate::Command, $crate::Refusal>> {
                    <$plugin as $crate::Plugin>::translate(&task_type, &settings, &profiles)
                }
            }

            $crate::bindings::base::export_base!(
                Component with_types_in $crate::bindings::base
            );
            $($crate::export_optional!($optional, $plugin, Component);)*
        };
    };
}

/// What [`export!`] does for an optional interface.
#[doc(hidden)]
#[macro_export]
macro_rules! export_optional {
    (interpret, $plugin:ident, $component:ident) => {
        impl $crate::bindings::interpret::exports::muster::plugin::interpret::Guest for $component {
            fn interpret(
                task_type: String,
                settings: String,
                reports: Vec<$crate::Report>,
            ) -> Vec<$crate::Outcome> {
                <$plugin as $crate::Plugin>::interpret(&task_type, &settings, &reports)
            }
        }
        $crate::bindings::interpret::export_interpret!(
            $component with_types_in $crate::bindings::interpret
        );
    };
    (migrate, $plugin:ident, $component:ident) => {
        impl $crate::bindings::migrate::exports::muster::plugin::migrate::Guest for $component {
            fn migrate(
                task_type: String,
                from_version: u32,
                settings: String,
            ) -> Result<String, $crate::Failure> {
                <$plugin as $crate::Plugin>::migrate(&task_type, from_version, &settings)
            }
        }
        $crate::bindings::migrate::export_migrate!(
            $component with_types_in $crate::bindings::migrate
        );
    };
}
