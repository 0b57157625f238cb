//! The command `wsspec`.

fn main() -> std::process::ExitCode {
    wsspec::main()
}
