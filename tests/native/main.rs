//! What is claimed about kernels without IPVS, natively: in network namespaces of this machine, with stock tools as judges.
//! Needs root.

// Of what lab tests share, only a part is used here.
#[allow(dead_code)]
#[path = "../lab/support/mod.rs"]
mod support;

mod host;
