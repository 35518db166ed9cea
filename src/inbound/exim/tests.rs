//! The reader and the evaluator against what Exim does.
