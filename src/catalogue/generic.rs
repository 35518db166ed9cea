//! Whether a reverse name is one that a provider gives to every customer.

use std::net::IpAddr;

use super::providers::Provider;
use crate::model::DomainName;

/// Why a reverse name looks as if nobody had chosen it, strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generic {
    /// It has the shape of this provider's default names.
    Provider {
        /// The provider's id.
        id: String,
    },
    /// It contains the address.
    EmbedsAddress {
        /// In which form, for example `octets reversed`.
        form: &'static str,
    },
    /// It contains a word that receivers take for a sign of dial-up or rented machines.
    Hint {
        /// The word.
        word: &'static str,
    },
}

/// Whether the reverse name of `ip` looks generic, and why.
pub fn generic_name(name: &DomainName, ip: IpAddr, providers: &[Provider]) -> Option<Generic> {
    let _ = (name, ip, providers);
    None
}
