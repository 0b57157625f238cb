//! What was read is written so that it is read the same; what was not read is told where.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wsspec_wire::parse_extensions;

fuzz_target!(|values: Vec<&[u8]>| {
    match parse_extensions(values.iter().copied()) {
        Ok(extensions) => {
            let written: Vec<String> = extensions.iter().map(ToString::to_string).collect();
            let read = parse_extensions(written.iter().map(String::as_bytes));
            assert_eq!(read, Ok(extensions));
        }
        Err(error) => assert!(error.offset <= values[error.value].len(), "{error}"),
    }
});
