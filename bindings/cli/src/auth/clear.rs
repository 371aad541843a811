//! `madrigal auth clear`: forgets the stored token, and says what is left.

use madrigal::Result;
use serde_json::json;

use super::{args::PlaceArguments, manager, store};
use crate::output;

pub(super) async fn run(place: &PlaceArguments) -> Result<u8> {
    let (manager, store) = (manager(place)?, store(place)?);
    if let Err(error) = store.load().await
        && error.context().get("keyring").is_some_and(|why| why == "locked")
    {
        super::unlock(&*store).await?;
    }
    // Something that is no token is removed too: it was reported, and this is how it is got rid of.
    let was_there = !matches!(store.load().await, Ok(None));
    manager.clear().await?;
    let left = manager.status().await.ok().and_then(|status| status.source);
    if place.json {
        output::print(&format!(
            "{}\n",
            json!({"cleared": was_there, "store": store.name(), "still_used": left})
        ));
        return Ok(0);
    }
    let name = store.name();
    output::print(&if was_there {
        format!(
            "The token in {name} is removed. It stays good until it ends or is revoked where it was made.\n"
        )
    } else {
        format!("There was no token in {name}.\n")
    });
    if let Some(left) = left {
        output::note(&format!("Runs go on with another credential: {left}."));
    }
    Ok(0)
}
