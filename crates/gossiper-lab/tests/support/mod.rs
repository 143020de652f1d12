//! Folders of runs, as a host writes them, without a host.

mod browser;
mod cluster;
mod folder;

pub(crate) use self::browser::Browser;
pub(crate) use self::cluster::Cluster;
pub(crate) use self::folder::{empty_folder, nothing_happened, write_folder};
