//! The embedded catalogue against what its sources say.

use super::*;

/// Lost if it fails: the binary would panic at its first look into the catalogue.
#[test]
fn the_embedded_catalogue_loads() {
    assert_eq!(Catalogue::embedded().revised, "2026-11-24");
}
