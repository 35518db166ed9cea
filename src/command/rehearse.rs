//! `--rehearse`: zones from files, judged before they are published.

use std::path::Path;

use super::CommandError;
use crate::model::{Rehearsed, visible};
use crate::probe::plain;
use crate::zonefile::{self, Loaded};

/// Reads the zones that `--rehearse` names, as `FILE` or `ORIGIN=FILE`.
///
/// # Errors
/// [`CommandError::Rehearse`] with the place of the first mistake, or when a zone is given twice.
pub(super) fn load(arguments: &[String]) -> Result<Vec<Loaded>, CommandError> {
    let mut zones: Vec<Loaded> = Vec::new();
    for argument in arguments {
        let (origin, path) = match argument.split_once('=') {
            Some((origin, path)) if !Path::new(argument).exists() => (Some(origin), path),
            _ => (None, argument.as_str()),
        };
        let fail = |detail: String| CommandError::Rehearse { path: visible(path), detail: visible(&detail) };
        let loaded = zonefile::load(Path::new(path), origin).map_err(|error| fail(error.to_string()))?;
        if let Some(known) = zones.iter().find(|known| known.zone.origin() == loaded.zone.origin()) {
            return Err(fail(format!("{} has the zone {} already", known.path, loaded.zone.origin())));
        }
        zones.push(loaded);
    }
    Ok(zones)
}

/// What the report says of them.
pub(super) fn described(zones: &[Loaded]) -> Vec<Rehearsed> {
    let one = |loaded: &Loaded| Rehearsed {
        zone: visible(&plain(&loaded.zone.origin().into())),
        path: visible(&loaded.path),
        sha256: loaded.sha256.clone(),
    };
    zones.iter().map(one).collect()
}
