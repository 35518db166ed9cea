//! The record of everything that was asked, through whichever door; keys are gone before it comes here.

use std::sync::{Mutex, PoisonError};

use crate::model::{Observation, ObservationId, Secrets, visible};

/// All observations of a run.
#[derive(Debug)]
pub(super) struct Transcript {
    secrets: Secrets,
    most: usize,
    observations: Mutex<(Vec<Observation>, u32)>,
}

impl Transcript {
    pub(super) fn new(secrets: Secrets, most: usize) -> Self {
        Self { secrets, most, observations: Mutex::default() }
    }

    /// `text` without keys, safe to show.
    pub(super) fn clean(&self, text: &str) -> String {
        visible(&self.secrets.redact(text))
    }

    /// Everything so far, in the order in which it was completed.
    pub(super) fn observations(&self) -> Vec<Observation> {
        self.observations.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// The observation with this number, if it was kept.
    pub(super) fn find(&self, id: ObservationId) -> Option<Observation> {
        let observations = self.observations.lock().unwrap_or_else(PoisonError::into_inner);
        let index = observations.0.binary_search_by_key(&id, |seen| seen.id).ok()?;
        observations.0.get(index).cloned()
    }

    /// Writes `observation` down under the next number. Beyond the limit the number leads nowhere.
    pub(super) fn add(&self, observation: Observation) -> ObservationId {
        let mut observations = self.observations.lock().unwrap_or_else(PoisonError::into_inner);
        let id = ObservationId(observations.1);
        observations.1 = observations.1.saturating_add(1);
        if observations.0.len() < self.most {
            observations.0.push(Observation { id, ..observation });
        }
        id
    }
}
