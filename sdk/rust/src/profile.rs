//! Profiles: what a translation may depend on.

use crate::{Profile, Refusal};

impl Profile {
    /// A profile of a platform on `x86_64`, without facts and without the application; for tests.
    ///
    /// ```
    /// use muster_sdk::Profile;
    ///
    /// let profile = Profile::of("linux").with_fact("os.id", "debian");
    /// assert_eq!(profile.fact("os.id"), Some("debian"));
    /// ```
    pub fn of(platform: &str) -> Self {
        Self {
            platform: platform.into(),
            architecture: "x86_64".into(),
            application_version: None,
            facts: Vec::new(),
            devices: 1,
        }
    }

    /// The same with one more fact; for tests.
    ///
    /// ```
    /// use muster_sdk::Profile;
    ///
    /// assert_eq!(Profile::of("linux").with_fact("os.id", "debian").facts.len(), 1);
    /// ```
    #[must_use]
    pub fn with_fact(mut self, name: &str, value: &str) -> Self {
        self.facts.push((name.into(), Some(value.into())));
        self
    }

    /// The same with the application in a version; for tests.
    ///
    /// ```
    /// use muster_sdk::Profile;
    ///
    /// let profile = Profile::of("linux").with_version("1.4.3");
    /// assert_eq!(profile.application_version.as_deref(), Some("1.4.3"));
    /// ```
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        self.application_version = Some(version.into());
        self
    }

    /// A device fact that the task type named; none where the device has no such fact.
    ///
    /// ```
    /// use muster_sdk::Profile;
    ///
    /// assert_eq!(Profile::of("linux").fact("os.id"), None);
    /// ```
    pub fn fact(&self, name: &str) -> Option<&str> {
        let (_, value) = self.facts.iter().find(|(known, _)| known == name)?;
        value.as_deref()
    }

    /// Refuses every platform but one. `what` begins the sentence: "This plug-in drives ClamAV".
    ///
    /// ```
    /// use muster_sdk::{Profile, Refusal};
    ///
    /// let what = "This plug-in drives the scanner";
    /// assert!(Profile::of("linux").only("linux", what).is_ok());
    /// assert!(Profile::of("windows").only("linux", what).is_err());
    /// ```
    pub fn only(&self, platform: &str, what: &str) -> Result<(), Refusal> {
        if self.platform == platform {
            return Ok(());
        }
        Err(Refusal::unsupported(format!(
            "{what} on {platform} only; the device's platform is {}.",
            self.platform
        )))
    }
}

impl Refusal {
    /// The application cannot do such a task on such a device; one sentence for people.
    ///
    /// ```
    /// use muster_sdk::Refusal;
    ///
    /// let refusal = Refusal::unsupported("There is no scanner for this architecture.");
    /// assert!(matches!(refusal, Refusal::Unsupported(_)));
    /// ```
    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::Unsupported(text.into())
    }
}
