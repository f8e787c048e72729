//! An error and its causes.

use std::error::Error;

/// An error and its causes in one line, as it is told where a request or a loop ends.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some libraries repeat their cause in their own words.
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            let cause = self.1.as_deref()?;
            Some(cause)
        }
    }

    #[test]
    fn each_cause_is_told_once() {
        let disk = || Box::new(Told("the disk is full", None));
        let write = Told("cannot write a", Some(disk()));
        assert_eq!(chain(&write), "cannot write a: the disk is full");
        let repeated = Told("cannot write a: the disk is full", Some(disk()));
        assert_eq!(chain(&repeated), "cannot write a: the disk is full");
    }
}
