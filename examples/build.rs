//! Tells the programs the versions of selfsame and burn they are built with, and on Linux lets them
//! find a Vulkan loader in their own folder.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    println!("cargo::rerun-if-changed={lock}");
    let lock = std::fs::read_to_string(lock).expect("the workspace's Cargo.lock");
    let burn = locked_version(&lock, "burn").expect("burn in Cargo.lock");
    let selfsame = locked_version(&lock, "selfsame").expect("selfsame in Cargo.lock");
    println!("cargo::rustc-env=BURN_VERSION={burn}");
    println!("cargo::rustc-env=SELFSAME_VERSION={selfsame}");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-examples=-Wl,-rpath,$ORIGIN");
    }
}

/// Returns the version of a package in a lock file, where `name` precedes `version`.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}
