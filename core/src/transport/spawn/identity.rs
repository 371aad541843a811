//! Another user that a program runs as: looked up before the process exists, since looking up may read files.

use std::{ffi::CString, io, ptr};

use crate::{Error, ErrorKind, Result, Retry};

/// Larger than any entry or list of groups seen; looking up again with more room is bounded by this.
const LARGEST: usize = 1 << 20;

/// A user with all groups: what `login` would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transport) struct Identity {
    pub(in crate::transport) uid: libc::uid_t,
    pub(in crate::transport) gid: libc::gid_t,
    pub(in crate::transport) groups: Vec<libc::gid_t>,
}

impl Identity {
    /// Finds a user by name. `None` when this process is that user already. Blocks.
    ///
    /// Fails with `invalid_options` when there is no such user, and with `spawn_failed` when this process may not become
    /// another user.
    pub(in crate::transport) fn named(user: &str) -> Result<Option<Self>> {
        let unknown = |problem: &str| {
            Error::new(ErrorKind::InvalidOptions, format!("user: {problem}"))
                .operation("options")
                .with("field", "user")
        };
        let name = CString::new(user).map_err(|_| unknown("expected a name without a NUL character"))?;
        let (uid, gid) = entry(&name)
            .map_err(|error| unknown(&format!("the user {user:?} could not be looked up: {error}")))?
            .ok_or_else(|| unknown(&format!("this system has no user {user:?}")))?;
        let own = rustix::process::geteuid();
        if own.as_raw() == uid {
            return Ok(None);
        }
        if !own.is_root() {
            let message = format!(
                "user: only root can start a program as another user ({user}); this process is the user with the number {}",
                own.as_raw()
            );
            return Err(Error::new(ErrorKind::SpawnFailed, message)
                .operation("spawn")
                .retry(Retry::Never)
                .with("field", "user"));
        }
        Ok(Some(Self { uid, gid, groups: groups(&name, gid) }))
    }
}

/// The numbers of a user and of its first group.
fn entry(name: &CString) -> io::Result<Option<(libc::uid_t, libc::gid_t)>> {
    let mut room = vec![0; 4096];
    loop {
        let mut found = ptr::null_mut();
        // SAFETY: all zero is a valid `passwd` (numbers and null pointers), and it is written before it is read.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        // SAFETY: the name ends in NUL, the room has the length given, and all of it lives here.
        let error = unsafe {
            libc::getpwnam_r(name.as_ptr(), &raw mut entry, room.as_mut_ptr(), room.len(), &raw mut found)
        };
        match error {
            0 if found.is_null() => return Ok(None),
            0 => return Ok(Some((entry.pw_uid, entry.pw_gid))),
            libc::ERANGE if room.len() < LARGEST => room.resize(room.len() * 4, 0),
            // "The given name was not found", as getpwnam(3) lists.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// All groups of a user.
fn groups(name: &CString, first: libc::gid_t) -> Vec<libc::gid_t> {
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let mut count = libc::c_int::try_from(groups.len()).unwrap_or(libc::c_int::MAX);
        // SAFETY: the name ends in NUL, and the list has room for `count` numbers. Apple's declaration has signed numbers of
        // the same size.
        let found = unsafe {
            libc::getgrouplist(name.as_ptr(), first as _, groups.as_mut_ptr().cast(), &raw mut count)
        };
        let count = usize::try_from(count).unwrap_or_default();
        if found >= 0 || groups.len() >= LARGEST {
            groups.truncate(count);
            return groups;
        }
        groups.resize(count.max(groups.len() * 2), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_with_its_groups_and_an_unknown_one_is_named() {
        let error = Identity::named("no-such-user-here").unwrap_err();
        assert_eq!((error.kind(), &error.context()["field"]), (ErrorKind::InvalidOptions, &"user".into()));
        assert!(error.message().contains("no-such-user-here"), "{error}");
        match Identity::named("nobody") {
            Ok(Some(nobody)) => {
                assert_ne!(nobody.uid, 0);
                assert!(nobody.groups.contains(&nobody.gid));
            }
            Ok(None) => assert_ne!(rustix::process::geteuid().as_raw(), 0),
            Err(error) => {
                assert!(!rustix::process::geteuid().is_root());
                assert_eq!(error.kind(), ErrorKind::SpawnFailed);
                assert!(error.message().contains("only root"), "{error}");
            }
        }
        if rustix::process::geteuid().is_root() {
            assert_eq!(Identity::named("root").unwrap(), None);
        }
    }
}
