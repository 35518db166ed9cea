//! `rank` as a script uses it.
