//! See `mail_cutover::fuzzing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mail_cutover::fuzzing::render(data));
