//! What a resolution reads: a copy of the variables, so that a test can make one up and so that the answer is about one moment.

use std::{collections::BTreeMap, fmt, time::SystemTime};

/// Variables, and the time of day.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    now: SystemTime,
}

impl Environment {
    /// Those of this process, now. Variables that are no UTF-8 are left out: no credential is.
    pub fn current() -> Self {
        let texts = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { variables: texts.collect(), now: SystemTime::now() }
    }

    /// Made up.
    ///
    /// ```
    /// let env = madrigal::auth::Environment::of([("ANTHROPIC_API_KEY", "test-key")]);
    /// assert_eq!(env.get("ANTHROPIC_API_KEY"), Some("test-key"));
    /// ```
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables, now: SystemTime::now() }
    }

    /// The same, with some variables more or other values: those of the option `env`.
    #[must_use]
    pub fn with(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.variables.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// The same at another time.
    #[must_use]
    pub fn at(mut self, now: SystemTime) -> Self {
        self.now = now;
        self
    }

    /// A variable that is set to something. What is empty or blank counts as not set, as with the program.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first of these that is set.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// Whether a variable is set to what the program takes for yes: `1`, `true`, `yes`, `on`, in any case.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| ["1", "true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }

    /// When this was looked at.
    pub fn now(&self) -> SystemTime {
        self.now
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("variables", &self.variables.len()).finish_non_exhaustive()
    }
}
