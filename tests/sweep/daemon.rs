//! rbldnsd and dnsdist as children of a test, and a relay that can hold questions back.
