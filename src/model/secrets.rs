//! Keys that must never be shown.

/// The keys of a run. Its debug form shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// What stands for a key in every output.
pub const REDACTED: &str = "[key]";

impl Secrets {
    /// The keys `values`; empty ones are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        Self(values.into_iter().filter(|value| !value.is_empty()).collect())
    }

    /// These, and `values`.
    #[must_use]
    pub fn and(mut self, values: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(values.into_iter().filter(|value| !value.is_empty()));
        self
    }

    /// `text` with every key, in whatever case, replaced by [`REDACTED`].
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        for secret in &self.0 {
            let needle = secret.to_ascii_lowercase();
            let mut from = 0;
            // ASCII case folding keeps byte positions, so the lower-cased copy can be searched and the original cut.
            while let Some(at) = redacted.to_ascii_lowercase().get(from..).and_then(|rest| rest.find(&needle)) {
                let start = from + at;
                redacted.replace_range(start..start + needle.len(), REDACTED);
                from = start + REDACTED.len();
            }
        }
        redacted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a customer's paid key would be posted with the report.
    #[test]
    fn keys_are_redacted_in_any_case() {
        let secrets = Secrets::new(["AbC123".to_owned(), String::new()]);
        assert_eq!(secrets.redact("2.0.0.127.abc123.zen ABC123"), "2.0.0.127.[key].zen [key]");
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }
}
