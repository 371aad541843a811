//! Workloads; see README.
