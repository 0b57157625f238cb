//! The vocabulary of the case files: nouns are functions, modifiers are methods.
