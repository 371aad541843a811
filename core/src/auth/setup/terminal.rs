//! The two terminals of a set-up: the person's, lent and given back as it was, and the pseudo-terminal the program runs on.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, Winsize, isatty, tcgetattr, tcgetwinsize,
        tcsetattr, tcsetwinsize,
    },
};

use super::HostTerminal;

/// A terminal narrower than this is not believed.
const NARROWEST: u16 = 40;

/// How long a terminal may take nothing, such as after Ctrl-S.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// What is taken where a terminal does not know its size.
const USUAL: Winsize = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };

/// A descriptor that is read and written without blocking.
pub(super) struct Channel(OwnedFd);

impl Channel {
    fn new(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Self(fd))
    }

    /// Some bytes; `Some(0)` at the end, `None` when there is nothing now.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.0, buffer) {
            Ok(count) => Ok(Some(count)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            // The other side of a pseudo-terminal that is closed is an error on Linux and an end elsewhere.
            Err(Errno::IO) => Ok(Some(0)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the program on this pseudo-terminal takes keys one by one, as opposed to lines.
    pub(super) fn hands_on_keys(&self) -> bool {
        !tcgetattr(&self.0).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
    }

    /// Writes everything; gives up on a terminal that takes nothing for a while.
    pub(super) fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.0, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut wait = [PollFd::new(&self.0, PollFlags::OUT)];
                    if poll(&mut wait, Some(&PATIENCE))? == 0 {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Waits until one of the two can be read, but not longer than this.
pub(super) fn wait(one: &Channel, other: Option<&Channel>, limit: Duration) -> io::Result<()> {
    let mut watched = vec![PollFd::new(&one.0, PollFlags::IN)];
    watched.extend(other.map(|other| PollFd::new(&other.0, PollFlags::IN)));
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    match poll(&mut watched, Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The terminal a person sits at: a device, or a host that passes things on.
pub(super) struct Person {
    channel: Channel,
    before: Option<Termios>,
    /// Shows what is left when the channel is closed.
    shower: Option<std::thread::JoinHandle<()>>,
}

impl Person {
    /// Opens it anew, so that what is changed about the descriptor is ours alone, and makes it hand on each key as it is typed,
    /// without showing it: the program decides what is shown.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if !isatty(&file) {
            return Err(io::Error::other("it is no terminal"));
        }
        let before = tcgetattr(&file)?;
        let mut raw = before.clone();
        // Output stays as it is, so that lines others write here still begin at the left.
        raw.local_modes -= LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        let channel = Channel::new(file.into())?;
        tcsetattr(&channel.0, OptionalActions::Now, &raw)?;
        Ok(Self { channel, before: Some(before), shower: None })
    }

    /// The one at a host.
    pub(super) fn of(host: &HostTerminal) -> io::Result<Self> {
        let (line, shower) = host.connect()?;
        Ok(Self { channel: Channel::new(line.into())?, before: None, shower: Some(shower) })
    }

    /// Gives the terminal back as it was; what was drawn is shown by then.
    pub(super) fn leave(mut self) {
        let shower = self.shower.take();
        drop(self);
        if let Some(shower) = shower {
            let _ = shower.join();
        }
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(super) fn size(&self) -> Winsize {
        match tcgetwinsize(&self.channel.0) {
            Ok(size) if size.ws_col >= NARROWEST && size.ws_row > 0 => size,
            _ => USUAL,
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(&self.channel.0, OptionalActions::Now, before);
        }
    }
}

/// Our side of a pseudo-terminal of this size, and the program's.
pub(super) fn pseudo(size: Winsize) -> io::Result<(Channel, File)> {
    #[cfg(target_os = "linux")]
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    // Elsewhere it cannot be opened so, and a program that another thread starts in between may inherit it.
    #[cfg(not(target_os = "linux"))]
    let ours = {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
        ours
    };
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let theirs = rustix::fs::open(
        name.as_c_str(),
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    tcsetwinsize(&theirs, size)?;
    Ok((Channel::new(ours)?, File::from(theirs)))
}
