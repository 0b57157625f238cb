//! The command `wstest`: `wsspec` behind the command line of the reference suite.

fn main() -> std::process::ExitCode {
    wsspec::wstest::main()
}
