//! `config lint`: what people read of a file's faults.

use crate::{check, lvsadm};

fn lint(file: &str, more: &[&str]) -> String {
    let file = format!("tests/cli/files/{file}");
    let mut args = vec!["config", "lint", "--elsewhere", &file];
    args.extend(more);
    lvsadm(&args)
}

/// As the guides have it: it works, and little is to be said of it.
#[test]
fn the_guides_file_works() {
    check("lint-guide", &lint("guide.conf", &[]));
    check("lint-guide-strict", &lint("guide.conf", &["--strict"]));
}

/// The guide's other listing, with remarks that are no comments, quotes that are no quotes and a brace in the wrong place.
#[test]
fn the_guides_broken_file_has_few_faults() {
    check("lint-guide-remarks", &lint("guide-remarks.conf", &[]));
}

#[test]
fn every_kind_of_fault() {
    check("lint-faults", &lint("faults.conf", &[]));
    check("lint-faults-json", &lint("faults.conf", &["--json"]));
}

#[test]
fn a_file_that_is_not_there_is_trouble() {
    check("lint-missing", &lint("none.conf", &[]));
}
