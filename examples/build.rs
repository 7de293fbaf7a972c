//! On Linux, lets the programs find a Vulkan loader in their own folder.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-examples=-Wl,-rpath,$ORIGIN");
    }
}
