//! Where this build knows no keyring: every question is answered by that.

use super::{Place, Trouble};

pub(super) async fn load(_: &Place) -> Result<Option<Vec<u8>>, Trouble> {
    Err(Trouble::NotBuilt)
}

pub(super) async fn save(_: &Place, _: &[u8]) -> Result<(), Trouble> {
    Err(Trouble::NotBuilt)
}

pub(super) async fn clear(_: &Place) -> Result<(), Trouble> {
    Err(Trouble::NotBuilt)
}

pub(super) async fn unlock(_: &Place) -> Result<(), Trouble> {
    Err(Trouble::NotBuilt)
}
