//! Tells the program the version of burn it is built with.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // That of the workspace, or of the published package.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let locks = [here.join("../../Cargo.lock"), here.join("Cargo.lock")];
    let lock = locks.iter().find_map(|lock| {
        let text = std::fs::read_to_string(lock).ok()?;
        println!("cargo::rerun-if-changed={}", lock.display());
        Some(text)
    });
    let version =
        lock.as_deref().and_then(|lock| locked_version(lock, "burn")).unwrap_or("unknown");
    println!("cargo::rustc-env=BURN_VERSION={version}");
}

/// Returns the version of a package in a lock file, where `name` precedes `version`.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}
