//! Imports point downwards only: no module uses one that stands above it in this list (ARCHITECTURE.md).

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Top to bottom.
const LAYERS: [&str; 15] = [
    "main", "cli", "doctor", "agent", "notify", "config", "state", "pool", "check", "vrrp", "bfd", "ipvs", "host",
    "sys", "model",
];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == name)
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Returns the top-level modules that `source` names behind `crate::` or `lvsadm::`, one by one or in braces.
fn imports(source: &str) -> Vec<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for prefix in ["crate::", "lvsadm::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let mut depth = 0;
                let mut word = String::new();
                let mut at_start = true;
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.push(std::mem::take(&mut word));
                            at_start = true;
                        }
                        c if depth == 0 && at_start && (c.is_alphanumeric() || c == '_') => word.push(c),
                        c if c.is_whitespace() => {}
                        _ => at_start = false,
                    }
                }
                names.push(word);
            } else {
                names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    names
}

#[test]
fn imports_point_downwards() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 3, "the walk finds the sources");
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src");
        let top =
            relative.iter().next().and_then(|part| part.to_str()).expect("a name").trim_end_matches(".rs").to_owned();
        if top == "lib" {
            continue;
        }
        let Some(own) = layer(&top) else {
            wrong.push(format!("{}: {top} is no layer", relative.display()));
            continue;
        };
        for name in imports(&fs::read_to_string(&file).expect("readable")) {
            if layer(&name).is_some_and(|used| used < own) {
                wrong.push(format!("{}: {top} uses {name}, which stands above it", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_found() {
    let source = "use crate::{cli::Ui, model::{Table, Weight}};\n// crate::doctor\nlet x = crate::sys::open();";
    assert_eq!(imports(source), ["cli", "model", "sys"]);
}
