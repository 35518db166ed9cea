//! `schema`: the plan's JSON Schema.

use super::Printed;

/// Prints the schema.
pub(super) fn run() -> Printed {
    Printed { text: format!("{:#}\n", crate::plan::schema()), ..Printed::default() }
}
