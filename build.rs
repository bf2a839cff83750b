//! How release builds are linked: small, and quick to start.

use std::{env, fs, path::Path, process::Command};

/// Leaves out what only unwinding needs, a tenth of the binary: a release build ends at a panic.
const NO_UNWIND_TABLES: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) } } INSERT AFTER .text;\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    link_unwinder();
    let script = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("no-unwind-tables.ld");
    if fs::write(&script, NO_UNWIND_TABLES).is_ok() {
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
    // A bit for each address that the loader has to set, instead of 24 bytes.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
}

/// Links the unwinder in, where it would otherwise be one more library to load at every start.
fn link_unwinder() {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let Ok(output) = Command::new(compiler).arg("-print-file-name=libgcc_eh.a").output() else { return };
    let library = String::from_utf8_lossy(&output.stdout);
    // A compiler that has none repeats the name.
    if let Some(directory) = Path::new(library.trim()).parent().filter(|directory| directory.is_absolute()) {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-link-lib=static=gcc_eh");
    }
}
